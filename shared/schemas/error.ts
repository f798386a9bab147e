import { z } from 'zod'

/** Most faults that are listed of one request. */
export const MAX_FAULTS = 100

export const FaultSchema = z.object({ path: z.string(), message: z.string() })
export type Fault = z.infer<typeof FaultSchema>

/** The one shape of every error answer: what happened, to what, what to do. Never a stack or a path. */
export const ErrorAnswerSchema = z.object({
  error: z.object({
    /** Stable, for programs: `device-unknown`, `not-found`, `internal`, ... */
    code: z.string(),
    /** For people. */
    message: z.string(),
    /** The invalid parts of the request: each place, such as `metrics.tempC.decimals`, and what is wrong there. */
    faults: z.array(FaultSchema).max(MAX_FAULTS).optional(),
  }),
})
export type ErrorAnswer = z.infer<typeof ErrorAnswerSchema>
