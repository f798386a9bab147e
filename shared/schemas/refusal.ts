import { z } from 'zod'

/** Why the server rejected a request or a connection before it did anything for it. */
export const RefusalReasonSchema = z.enum([
  'host-foreign',
  'origin-foreign',
  'upgrade-foreign',
  'path-foreign',
  'request-malformed',
  'request-too-slow',
  'headers-too-large',
  'body-too-large',
  'frame-too-large',
  'frames-too-many',
  'streams-too-many',
  'connections-too-many',
  'logins-too-many',
])
export type RefusalReason = z.infer<typeof RefusalReasonSchema>

/** How often each of them happened since the start. */
export const RefusalsSchema = z.partialRecord(RefusalReasonSchema, z.number().int().positive())
export type Refusals = z.infer<typeof RefusalsSchema>
