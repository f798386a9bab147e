import { z } from 'zod'
import { IsoTimestampSchema, MetricValueSchema, TelemetrySchema } from '#shared/schemas/telemetry'

/** What a device (or its last will) publishes on `sensors/{deviceId}/state`, usually retained. */
export const StateMessageSchema = z.object({
  status: z.string().min(1),
  updated_at: IsoTimestampSchema,
})
export type StateMessage = z.infer<typeof StateMessageSchema>

/** The last word of a device's state topic. */
export const DeviceStatusSchema = z.object({
  status: z.string(),
  /** The message's `updated_at` where it can be believed, else the receive time. */
  updatedAt: IsoTimestampSchema,
  receivedAt: IsoTimestampSchema,
  replayed: z.literal(true).optional(),
  /** The `updated_at` that could not be believed. */
  claimedUpdatedAt: IsoTimestampSchema.optional(),
})
export type DeviceStatus = z.infer<typeof DeviceStatusSchema>

/** The data of a `state` event. `status: null` says that the retained state was deleted. */
export const DeviceStatusChangeSchema = DeviceStatusSchema.extend({
  deviceId: z.string(),
  status: z.string().nullable(),
})
export type DeviceStatusChange = z.infer<typeof DeviceStatusChangeSchema>

/** The newest value of one metric and when it was measured. */
export const LatestValueSchema = z.object({ value: MetricValueSchema, ts: IsoTimestampSchema })
export type LatestValue = z.infer<typeof LatestValueSchema>

/** The last known state of one device. */
export const DeviceStateSchema = z.object({
  deviceId: z.string(),
  /** When the device itself was last heard; `null` when only undated retained messages speak for it. */
  lastSeen: IsoTimestampSchema.nullable(),
  /** The newest telemetry by `ts`; its `metrics` are empty until the device has sent any. */
  lastTelemetry: TelemetrySchema,
  /** The newest value of every metric, whichever message brought it. */
  values: z.record(z.string(), LatestValueSchema),
  state: DeviceStatusSchema.nullable(),
  /** `wrong` while the device claims times that lie ahead of the server's clock (or before 1970). */
  clock: z.enum(['ok', 'wrong']),
})
export type DeviceState = z.infer<typeof DeviceStateSchema>

/** Answer of `GET /api/sensors`. */
export const DeviceStatesSchema = z.array(DeviceStateSchema)

/** `GET /api/sensors/{deviceId}/messages?limit=&before=`: a page of messages measured before a moment, the newest first. */
export const MessagesQuerySchema = z.object({
  limit: z.coerce.number().int().min(1).max(1_000).default(20),
  before: IsoTimestampSchema.optional(),
})

/** Its answer, newest first; `next` is the `before` of the page that follows, `null` on the last. */
export const RecentMessagesSchema = z.object({
  deviceId: z.string(),
  messages: z.array(TelemetrySchema),
  next: IsoTimestampSchema.nullable(),
})
export type RecentMessages = z.infer<typeof RecentMessagesSchema>
