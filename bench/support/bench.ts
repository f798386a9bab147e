// What a bench is, and what it is asked for.
import { z } from 'zod'

const whole = (name: string, min: number) => z.string().transform(Number)
  .refine(value => Number.isInteger(value) && value >= min, `--${name} must be a whole number from ${min}.`)

export const OptionsSchema = z.object({
  names: z.array(z.string()),
  seconds: whole('seconds', 1).optional(),
  rounds: whole('rounds', 1).default(3),
  samples: whole('samples', 3_000).default(2_000_000),
  only: z.string().default(''),
  profile: z.boolean().default(false),
  json: z.boolean().default(false),
})
export type BenchOptions = z.infer<typeof OptionsSchema>

export type Say = (line: string) => void
/** Measures, says what it found, and returns its figures: plain values, units in their names. */
export type Bench = (options: BenchOptions, say: Say) => Promise<object>
