import { z } from 'zod'
import { IsoTimestampSchema } from '#shared/schemas/telemetry'

const bytes = z.number().int().nonnegative()

/** One tier: every message (`raw`), minutes or hours. */
export const StorageTierSchema = z.object({
  tier: z.enum(['raw', 'minute', 'hour']),
  /** Including about what is in the journal and not packed yet. */
  bytes,
  /** Begin of the tier; `null` while it is empty. */
  from: IsoTimestampSchema.nullable(),
  /** Days of retention; `null` for ever. */
  days: z.number().nullable(),
  /** Growth in bytes per day at the rate of the last days; `null` before it is known. */
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
  /** Days of messages that fit into the limit at the present rate; `null` before it is known. */
  daysThatFit: z.number().nullable(),
  /** The largest series first, at most 20. */
  metrics: z.array(z.object({ deviceId: z.string(), metric: z.string(), bytes })),
})
export type Storage = z.infer<typeof StorageSchema>
