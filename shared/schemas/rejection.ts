import { z } from 'zod'
import { IsoTimestampSchema } from '#shared/schemas/telemetry'

/** Why a message was not accepted. Each rejected message has exactly one reason. */
export const RejectionReasonSchema = z.enum([
  'topic-unknown',
  'device-id-invalid',
  'device-id-mismatch',
  'device-limit',
  'fleet-full',
  'payload-too-large',
  'payload-empty',
  'not-utf8',
  'not-json',
  'not-an-object',
  'metrics-missing',
  'metrics-too-many',
  'metric-name-invalid',
  'metric-value-invalid',
  'metric-value-too-long',
  'ts-invalid',
  'seq-invalid',
  'status-invalid',
])
export type RejectionReason = z.infer<typeof RejectionReasonSchema>

export const RejectionSchema = z.object({
  /** Counts up by one per rejected message since the start. */
  id: z.number().int().positive(),
  at: IsoTimestampSchema,
  topic: z.string(),
  reason: RejectionReasonSchema,
  /** What is wrong, with what, and what would be right: one sentence. */
  detail: z.string(),
  /** Size of the whole payload in bytes. */
  bytes: z.number().int().nonnegative(),
  /** The first 1 kB of the payload, as text. */
  excerpt: z.string(),
})
export type Rejection = z.infer<typeof RejectionSchema>

/** Answer of `GET /api/rejections`. */
export const RejectionReportSchema = z.object({
  total: z.number().int().nonnegative(),
  byReason: z.partialRecord(RejectionReasonSchema, z.number().int().positive()),
  /** The last 200, newest first. */
  recent: z.array(RejectionSchema),
})
export type RejectionReport = z.infer<typeof RejectionReportSchema>
