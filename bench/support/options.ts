import { parseArgs } from 'node:util'
import { z } from 'zod'

const BENCHES = { ingest: 'messages a second and CPU per message, beside a bare subscriber', storage: 'bytes per sample, and the time of charts (takes minutes)' } as const

const HELP = `Measures on this machine what README and bench/README.md say.

  npm run bench -- [name …] [options]      all of them when none is named

${Object.entries(BENCHES).map(([name, what]) => `  ${name.padEnd(14)} ${what}`).join('\n')}

  --seconds N    ingest: length of one measurement (12)
  --rounds N     ingest: how often both are measured, in turn (3)
  --profile      ingest: profile the server in a further run, and print where its time goes
  --samples N    storage: numeric samples to store (2000000)
  --help         this text
`

const whole = (name: string, min: number) => z.string().transform(Number)
  .refine(value => Number.isInteger(value) && value >= min, `--${name} must be a whole number from ${min}.`)

const OptionsSchema = z.object({
  names: z.array(z.enum(['ingest', 'storage'], { error: ({ input }) => `There is no bench ${String(input)}.` })),
  seconds: whole('seconds', 1).default(12),
  rounds: whole('rounds', 1).default(3),
  samples: whole('samples', 3_000).default(2_000_000),
  profile: z.boolean().default(false),
})
export type BenchOptions = z.infer<typeof OptionsSchema>

const TEXT = { type: 'string' } as const
const FLAG = { type: 'boolean' } as const

/** The options, or a text to show instead of running, with whether it tells of a mistake. */
export function readOptions(args: string[]): BenchOptions | { text: string, wrong: boolean } {
  try {
    const options = { seconds: TEXT, rounds: TEXT, samples: TEXT, profile: FLAG, help: FLAG }
    const { values: { help, ...values }, positionals: names } = parseArgs({ args, options, allowPositionals: true })
    if (help) return { text: HELP, wrong: false }
    const result = OptionsSchema.safeParse({ ...values, names })
    return result.success ? result.data : { text: `${result.error.issues.map(({ message }) => message).join('\n')}\n\n${HELP}`, wrong: true }
  }
  catch (error) {
    return { text: `${error instanceof Error ? error.message : String(error)}\n\n${HELP}`, wrong: true }
  }
}
