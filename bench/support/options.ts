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
  fanout: {
    what: 'frames a second, CPU and delay with 1,000 clients, beside a bare broadcast',
    load: async () => (await import('../fanout/fanout.ts')).benchFanout,
  },
  latency: {
    what: 'from the publisher to the WebSocket frame, beside a bare relay',
    load: async () => (await import('../latency/latency.ts')).benchLatency,
  },
  browser: {
    what: 'from publish to painted pixel in Chromium, beside a bare page (under a minute)',
    load: async () => (await import('../browser/browser.ts')).benchBrowser,
  },
  frames: {
    what: 'a page that stays open: frames, memory and nodes of the overview with 10,000 devices',
    load: async () => (await import('../frames/frames.ts')).benchFrames,
  },
  view: {
    what: 'the first visit: when there is something to look at, and how much script that takes',
    load: async () => (await import('../view/view.ts')).benchView,
  },
  restart: {
    what: 'from the start after a SIGKILL to the first right answer, 10,000 devices',
    load: async () => (await import('../restart/restart.ts')).benchRestart,
  },
  snapshot: {
    what: 'GET /api/sensors of 10,000 devices, beside a bare node:http with the same bytes; 304',
    load: async () => (await import('../snapshot/snapshot.ts')).benchSnapshot,
  },
  slow: {
    what: 'clients that never read: memory, and what the others feel of them',
    load: async () => (await import('../slow/slow.ts')).benchSlow,
  },
  attack: {
    what: 'good clients while the server is attacked in sixteen ways, beside the same clients in peace (takes minutes)',
    load: async () => (await import('../attack/attack.ts')).benchAttack,
  },
  memory: {
    what: 'resident memory with 10,000 and 100,000 devices, the start, and clients that come and go',
    load: async () => (await import('../memory/memory.ts')).benchMemory,
  },
  storage: {
    what: 'bytes per sample, the time of charts, and the live view meanwhile (takes minutes)',
    load: async () => (await import('../storage/storage.ts')).benchStorage,
  },
  postgres: {
    what: 'samples a second into PostgreSQL beside a bare COPY, and the time of a day’s chart there',
    load: async () => (await import('../postgres/postgres.ts')).benchPostgres,
  },
  cluster: {
    what: 'messages a second by one replica and by three, and what they cost (takes minutes)',
    load: async () => (await import('../cluster/cluster.ts')).benchCluster,
  },
  scale: {
    what: 'what a message and a viewer cost, and what a model makes of it for up to 100 million devices (two minutes)',
    load: async () => (await import('../scale/scale.ts')).benchScale,
  },
  migrate: {
    what: 'a history from SQLite to PostgreSQL, killed once, beside a bare COPY of the same bytes; the answers of both',
    load: async () => (await import('../migrate/migrate.ts')).benchMigrate,
  },
}

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

const whole = (name: string, min: number) => z.string().transform(Number)
  .refine(value => Number.isInteger(value) && value >= min, `--${name} must be a whole number from ${min}.`)

const OptionsSchema = z.object({
  names: z.array(z.string().refine(name => Object.hasOwn(BENCHES, name), { error: ({ input }) => `There is no bench ${String(input)}.` })),
  seconds: whole('seconds', 1).optional(),
  rounds: whole('rounds', 1).default(3),
  samples: whole('samples', 3_000).default(2_000_000),
  only: z.string().default(''),
  profile: z.boolean().default(false),
  json: z.boolean().default(false),
})
export type BenchOptions = z.infer<typeof OptionsSchema>

const TEXT = { type: 'string' } as const
const FLAG = { type: 'boolean' } as const

/** The options, or a text to show instead of running, with whether it tells of a mistake. */
export function readOptions(args: string[]): BenchOptions | { text: string, wrong: boolean } {
  try {
    const options = { seconds: TEXT, rounds: TEXT, samples: TEXT, only: TEXT, profile: FLAG, json: FLAG, help: FLAG }
    const { values: { help, ...values }, positionals: names } = parseArgs({ args, options, allowPositionals: true })
    if (help) return { text: HELP, wrong: false }
    const result = OptionsSchema.safeParse({ ...values, names })
    return result.success ? result.data : { text: `${result.error.issues.map(({ message }) => message).join('\n')}\n\n${HELP}`, wrong: true }
  }
  catch (error) {
    return { text: `${error instanceof Error ? error.message : String(error)}\n\n${HELP}`, wrong: true }
  }
}
