import { z } from 'zod'
import { HistoryGapSchema } from '#shared/schemas/history'
import { IsoTimestampSchema } from '#shared/schemas/telemetry'

export const MAX_SPARKLINES = 100

/** `GET /api/sparklines?device=a&device=b`: the last hour of one metric of each device. */
export const SparklineQuerySchema = z.object({
  device: z.union([z.string(), z.array(z.string())]).transform(given => [given].flat()).pipe(z.array(z.string()).max(MAX_SPARKLINES)),
  /** The hour before this moment instead of the last one. */
  at: IsoTimestampSchema.optional(),
})

/** A small line: `points` are `[milliseconds since 1970, mean of the minute]`. Devices without numbers are left out. */
export const SparklinesSchema = z.record(z.string(), z.object({
  metric: z.string(),
  points: z.array(z.tuple([z.number(), z.number()])),
  gaps: z.array(HistoryGapSchema).optional(),
}))
export type Sparklines = z.infer<typeof SparklinesSchema>
