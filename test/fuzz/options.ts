import { parseArgs } from 'node:util'
import { z } from 'zod'
import { KINDS } from './cases'

const HELP = `Says odd things to the built server over MQTT, HTTP and WebSockets, and looks whether it bears them.

  npm run build && npm run fuzz -- [options]

  --seconds N    how long (20)
  --seed N       begins with these cases; else with others each time. What was used is printed
  --only KIND    one of ${KINDS.join(', ')}; may be repeated
  --help         this text

What has failed once lies in test/fixtures/fuzz/ and is said first.
`

const whole = (name: string, min: number) => z.string().transform(Number).refine(value => Number.isInteger(value) && value >= min, `--${name} must be a whole number from ${min}.`)
const OptionsSchema = z.object({
  seconds: whole('seconds', 1).default(20),
  seed: whole('seed', 0).optional(),
  only: z.array(z.enum(KINDS, { error: `--only must be one of ${KINDS.join(', ')}.` })).default([...KINDS]),
})
export type FuzzOptions = z.infer<typeof OptionsSchema>

/** The options, or a text to show instead, with whether it tells of a mistake. */
export function readOptions(args: string[]): FuzzOptions | { text: string, isWrong: boolean } {
  try {
    const { values: { help, ...values } } = parseArgs({ args, options: { seconds: { type: 'string' }, seed: { type: 'string' }, only: { type: 'string', multiple: true }, help: { type: 'boolean' } } })
    if (help) return { text: HELP, isWrong: false }
    const result = OptionsSchema.safeParse(values)
    return result.success ? result.data : { text: `${result.error.issues.map(({ message }) => message).join('\n')}\n\n${HELP}`, isWrong: true }
  }
  catch (error) {
    return { text: `${error instanceof Error ? error.message : String(error)}\n\n${HELP}`, isWrong: true }
  }
}
