import { parseArgs } from 'node:util'
import { z } from 'zod'
import { BENCHES } from '../benches.ts'
import { OptionsSchema } from './bench.ts'
import type { BenchOptions } from './bench.ts'

const HELP = `Measures on this machine what README and bench/README.md say.

  npm run bench -- [name …] [options]      all of them when none is named

${Object.entries(BENCHES).map(([name, { what }]) => `  ${name.padEnd(14)} ${what}`).join('\n')}

  --seconds N    length of one measurement: ingest (6), fanout (1.5), latency (2), browser (6), snapshot (5), each phase of slow (10), attack (3) and of
                 storage's live view (12), frames (20, for each form), memory's load (8; clients come and go for five times as long, at most 300)
  --rounds N     ingest, fanout, latency, attack: how often all are measured, in turn; restart, memory: how often it is restarted; view: visits (3)
  --profile      ingest, fanout: profile the server in a further run, and print where its time goes
  --only TEXT    attack: only those with this in their name
  --samples N    storage, postgres, migrate: numeric samples to store (2000000)
  --json         print all figures as one JSON object at the end, and everything else to standard error
  --help         this text
`

const KnownOptionsSchema = OptionsSchema.extend({
  names: z.array(z.string().refine(name => Object.hasOwn(BENCHES, name), { error: ({ input }) => `There is no bench ${String(input)}.` })),
})

const TEXT = { type: 'string' } as const
const FLAG = { type: 'boolean' } as const

/** The options, or a text to show instead of running, with whether it tells of a mistake. */
export function readOptions(args: string[]): BenchOptions | { text: string, wrong: boolean } {
  try {
    const options = { seconds: TEXT, rounds: TEXT, samples: TEXT, only: TEXT, profile: FLAG, json: FLAG, help: FLAG }
    const { values: { help, ...values }, positionals: names } = parseArgs({ args, options, allowPositionals: true })
    if (help) return { text: HELP, wrong: false }
    const result = KnownOptionsSchema.safeParse({ ...values, names })
    return result.success ? result.data : { text: `${result.error.issues.map(({ message }) => message).join('\n')}\n\n${HELP}`, wrong: true }
  }
  catch (error) {
    return { text: `${error instanceof Error ? error.message : String(error)}\n\n${HELP}`, wrong: true }
  }
}
