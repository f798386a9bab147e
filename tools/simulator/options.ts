import { parseArgs } from 'node:util'
import { z } from 'zod'

export const HELP = `Publishes the telemetry of a simulated site to an MQTT broker.

  npm run simulate -- [options]

  --url URL         broker: mqtt://, mqtts://, ws:// or wss:// (mqtt://127.0.0.1:1883)
  --devices N       devices of the site (20)
  --rate R          messages per second, all devices together (10)
  --seconds S       end after S seconds (runs until Ctrl+C)
  --qos 0|1         MQTT quality of service (0)
  --username NAME   login at the broker
  --password TEXT   password at the broker; MQTT_PASSWORD in the environment keeps it out of the process list
  --seed TEXT       the same seed is the same site (leitstand)
  --faults          of every 50 devices (of all, if fewer) one falls silent after 20 s, one has a wrong clock and one
                    sends broken payloads
  --help            this text
`

const MAX_DEVICES = 1_000_000
const MAX_RATE = 1_000_000
/** Timers and counters are safe up to here: a year. */
const MAX_SECONDS = 31_536_000

const decimal = (text: string) => /^\d+(\.\d+)?$/.test(text) ? Number(text) : Number.NaN
const isBrokerUrl = (text: string) => URL.canParse(text) && /^(?:mqtts?|wss?):$/.test(new URL(text).protocol) && new URL(text).hostname !== ''
const positive = (name: string, max: number) => z.string().transform(decimal)
  .refine(value => value > 0 && value <= max, `--${name} must be a number above 0 and at most ${max.toLocaleString('en-GB')}.`)

const OptionsSchema = z.object({
  url: z.string().default('mqtt://127.0.0.1:1883')
    .refine(isBrokerUrl, '--url must be an address such as mqtt://host:1883, mqtts://host:8883 or ws://host:9001.'),
  devices: z.string().default('20').transform(decimal)
    .refine(value => Number.isInteger(value) && value >= 1 && value <= MAX_DEVICES, `--devices must be a whole number from 1 to ${MAX_DEVICES.toLocaleString('en-GB')}.`),
  rate: positive('rate', MAX_RATE).default(10),
  seconds: positive('seconds', MAX_SECONDS).optional(),
  qos: z.enum(['0', '1'], '--qos must be 0 or 1.').default('0').transform(value => value === '1' ? 1 : 0),
  username: z.string().optional(),
  password: z.string().optional(),
  seed: z.string().default('leitstand'),
  faults: z.boolean().default(false),
}).refine(({ faults, devices }) => !faults || devices >= 3, '--faults needs at least 3 devices, one for each fault.')
  .refine(({ username, password }) => password === undefined || username !== undefined, '--password needs --username.')

const TEXT = { type: 'string' } as const
const FLAG = { type: 'boolean' } as const
const ARGUMENTS = {
  url: TEXT, devices: TEXT, rate: TEXT, seconds: TEXT, qos: TEXT, username: TEXT, password: TEXT, seed: TEXT, faults: FLAG, help: FLAG,
}

export type SimulateOptions = z.infer<typeof OptionsSchema>

export type Asked
  = | { kind: 'run', options: SimulateOptions }
    | { kind: 'help' }
    /** One sentence for each option that is wrong. */
    | { kind: 'wrong', faults: string[] }

/**
 * Reads the command line (without `node` and the file's name). Never throws for what somebody typed.
 * @param env The environment, for `MQTT_PASSWORD`.
 */
export function readOptions(args: string[], env: Record<string, string | undefined> = {}): Asked {
  const typed = parse(args)
  if (typeof typed === 'string') return { kind: 'wrong', faults: [typed] }
  const { help, ...values } = typed
  if (help) return { kind: 'help' }
  const password = values.password ?? (values.username === undefined ? undefined : env.MQTT_PASSWORD)
  const result = OptionsSchema.safeParse({ ...values, password })
  if (result.success) return { kind: 'run', options: result.data }
  return { kind: 'wrong', faults: result.error.issues.map(issue => issue.message) }
}

/** The options as text, or what is wrong with them in one sentence. */
function parse(args: string[]) {
  try {
    return parseArgs({ args, options: ARGUMENTS }).values
  }
  catch (error) {
    return sentenceOf(error instanceof Error ? error.message : String(error))
  }
}

/** Node explains in several sentences; the first says what is wrong. */
function sentenceOf(explanation: string): string {
  const valueMissing = /^Option '(--\w+).*argument (?:missing|is ambiguous)/.exec(explanation)
  if (valueMissing) return `${valueMissing[1]} needs a value (one that begins with a dash is written ${valueMissing[1]}=-1).`
  const sentence = explanation.replace(/\.?(?:\s(?=To |Did |This )|\n)[^]*$/, '')
  const swallowed = sentence.startsWith('Unexpected argument')
  return swallowed ? `${sentence}: with npm, options go behind a double dash, as in npm run simulate -- --devices 5.` : `${sentence}.`
}
