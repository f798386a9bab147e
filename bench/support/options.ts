import { parseArgs } from 'node:util'
import { z } from 'zod'

export type Say = (line: string) => void
/** Measures, says what it found, and returns its figures: plain values, units in their names. */
export type Bench = (options: BenchOptions, say: Say) => Promise<object>
interface Part { what: string, load: () => Promise<Bench> }

/** All parts in the order they run; loaded when they do, for what they import of the server needs its hook in place. */
export const BENCHES: Record<string, Part> = {
  ingest: {
    what: 'messages a second and CPU per message, beside a bare subscriber',
    load: async () => (await import('../ingest/ingest.ts')).benchIngest,
  },
  browser: {
    what: 'from publish to painted pixel in Chromium, beside a bare page (under a minute)',
    load: async () => (await import('../browser/browser.ts')).benchBrowser,
  },
  restart: {
    what: 'from the start after a SIGKILL to the first right answer, 10,000 devices',
    load: async () => (await import('../restart/restart.ts')).benchRestart,
  },
  storage: {
    what: 'bytes per sample, the time of charts, and the live view meanwhile (takes minutes)',
    load: async () => (await import('../storage/storage.ts')).benchStorage,
  },
}

const HELP = `Measures on this machine what README and bench/README.md say.

  npm run bench -- [name …] [options]      all of them when none is named

${Object.entries(BENCHES).map(([name, { what }]) => `  ${name.padEnd(14)} ${what}`).join('\n')}

  --seconds N    ingest, browser: length of one measurement; storage: of each phase of the live view (12)
  --rounds N     ingest: how often both are measured, in turn; restart: how often it is restarted (3)
  --profile      ingest: profile the server in a further run, and print where its time goes
  --samples N    storage: numeric samples to store (2000000)
  --json         print all figures as one JSON object at the end, and everything else to standard error
  --help         this text
`

const whole = (name: string, min: number) => z.string().transform(Number)
  .refine(value => Number.isInteger(value) && value >= min, `--${name} must be a whole number from ${min}.`)

const OptionsSchema = z.object({
  names: z.array(z.string().refine(name => Object.hasOwn(BENCHES, name), { error: ({ input }) => `There is no bench ${String(input)}.` })),
  seconds: whole('seconds', 1).default(12),
  rounds: whole('rounds', 1).default(3),
  samples: whole('samples', 3_000).default(2_000_000),
  profile: z.boolean().default(false),
  json: z.boolean().default(false),
})
export type BenchOptions = z.infer<typeof OptionsSchema>

const TEXT = { type: 'string' } as const
const FLAG = { type: 'boolean' } as const

/** The options, or a text to show instead of running, with whether it tells of a mistake. */
export function readOptions(args: string[]): BenchOptions | { text: string, wrong: boolean } {
  try {
    const options = { seconds: TEXT, rounds: TEXT, samples: TEXT, profile: FLAG, json: FLAG, help: FLAG }
    const { values: { help, ...values }, positionals: names } = parseArgs({ args, options, allowPositionals: true })
    if (help) return { text: HELP, wrong: false }
    const result = OptionsSchema.safeParse({ ...values, names })
    return result.success ? result.data : { text: `${result.error.issues.map(({ message }) => message).join('\n')}\n\n${HELP}`, wrong: true }
  }
  catch (error) {
    return { text: `${error instanceof Error ? error.message : String(error)}\n\n${HELP}`, wrong: true }
  }
}
