import { z } from 'zod'

/** The one shape of every error answer: what happened, to what, what to do. Never a stack or a path. */
export const ErrorAnswerSchema = z.object({
  error: z.object({
    /** Stable, for programs: `device-unknown`, `not-found`, `internal`, ... */
    code: z.string(),
    /** For people. */
    message: z.string(),
  }),
})
export type ErrorAnswer = z.infer<typeof ErrorAnswerSchema>
