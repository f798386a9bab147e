import { z } from 'zod'

const count = z.number().int().nonnegative()

/** Answer of `GET /api/sensors/{deviceId}/counters`: what became of a device's messages since it was first heard. */
export const DeviceCountersSchema = z.object({
  deviceId: z.string(),
  received: count,
  /** Put on disk; replays of what is known and messages while no history is kept are not. */
  stored: count,
  /** Delivered again although stored already. */
  duplicate: count,
  rejected: count,
  /** Where the device numbers its messages (`seq`): the last number, how often some were missing, and how many in all. */
  sequence: z.object({ last: count, gaps: count, missing: count }).nullable(),
})
export type DeviceCounters = z.infer<typeof DeviceCountersSchema>
