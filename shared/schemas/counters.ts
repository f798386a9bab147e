import { z } from 'zod'

const count = z.number().int().nonnegative()

/** Answer of `GET /api/sensors/{deviceId}/counters`: the results of a device's messages since it was first heard. */
export const DeviceCountersSchema = z.object({
  deviceId: z.string(),
  received: count,
  /** Stored on disk; known replays, and messages while the history is off, are not. */
  stored: count,
  /** Delivered again although stored already. */
  duplicate: count,
  rejected: count,
  /** If the device numbers its messages (`seq`): the last number, how often some were missing, and how many in all. */
  sequence: z.object({ last: count, gaps: count, missing: count }).nullable(),
})
export type DeviceCounters = z.infer<typeof DeviceCountersSchema>
