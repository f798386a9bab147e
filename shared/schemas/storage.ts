import { z } from 'zod'
import { IsoTimestampSchema } from '#shared/schemas/telemetry'

const bytes = z.number().int().nonnegative()

/** One kind of what is kept: every message (`raw`), minutes or hours. */
export const StorageTierSchema = z.object({
  tier: z.enum(['raw', 'minute', 'hour']),
  /** With about what lies in the journal and is not packed yet. */
  bytes,
  /** Begin of what is kept; `null` while there is nothing. */
  from: IsoTimestampSchema.nullable(),
  /** Days it is to be kept; `null` for ever. */
  days: z.number().nullable(),
  /** Bytes it grows by in a day at the rate of the last days; `null` before that can be told. */
  bytesPerDay: z.number().nullable(),
})
export type StorageTier = z.infer<typeof StorageTierSchema>

/** Answer of `GET /api/storage`. */
export const StorageSchema = z.object({
  /** Size of the database with its journal, and how much it may have. */
  bytes,
  limitBytes: bytes,
  durability: z.enum(['full', 'normal']),
  /** Why nothing can be stored now, or null. */
  fault: z.string().nullable(),
  devices: z.number().int().nonnegative(),
  series: z.number().int().nonnegative(),
  messages: z.number().int().nonnegative(),
  tiers: z.array(StorageTierSchema),
  /** Days of messages that fit into the limit at today's rate; `null` before that can be told. */
  daysThatFit: z.number().nullable(),
  /** What costs most, largest first, at most 20. */
  metrics: z.array(z.object({ deviceId: z.string(), metric: z.string(), bytes })),
})
export type Storage = z.infer<typeof StorageSchema>
