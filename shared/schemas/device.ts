import { z } from 'zod'
import { DeviceTimeSchema, IsoTimestampSchema, MetricValueSchema, TelemetrySchema } from '#shared/schemas/telemetry'
import { searchWords } from '#shared/text/search-words'

/** What a device (or its last will) publishes on `sensors/{deviceId}/state`, usually retained. */
export const StateMessageSchema = z.object({
  status: z.string().min(1),
  updated_at: DeviceTimeSchema,
})
export type StateMessage = z.infer<typeof StateMessageSchema>

/** The last message of a device's state topic. */
export const DeviceStatusSchema = z.object({
  status: z.string(),
  /** The message's `updated_at` if it is possible, else the receive time. */
  updatedAt: IsoTimestampSchema,
  receivedAt: IsoTimestampSchema,
  replayed: z.literal(true).optional(),
  /** The impossible `updated_at`. */
  claimedUpdatedAt: IsoTimestampSchema.optional(),
  /** `wrong`: its `updated_at` is further behind `receivedAt` than allowed, although the status was new. */
  clock: z.literal('wrong').optional(),
})
export type DeviceStatus = z.infer<typeof DeviceStatusSchema>

/** The data of a `state` event. `status: null`: the retained state was deleted. */
export const DeviceStatusChangeSchema = DeviceStatusSchema.extend({
  deviceId: z.string(),
  status: z.string().nullable(),
})
export type DeviceStatusChange = z.infer<typeof DeviceStatusChangeSchema>

/**
 * The presence of a device: `live`; `late` (longer than usual); `silent` (far longer than usual); `offline` (by its
 * last will or state topic); `unknown` (nothing heard since the server started).
 */
export const PresenceSchema = z.enum(['live', 'late', 'silent', 'offline', 'unknown'])
export type Presence = z.infer<typeof PresenceSchema>

const CountSchema = z.number().int().nonnegative()

/** Answer of `GET /api/presence`: the number of devices per presence. */
export const PresenceCountsSchema = z.object({ live: CountSchema, late: CountSchema, silent: CountSchema, offline: CountSchema, unknown: CountSchema })
export type PresenceCounts = z.infer<typeof PresenceCountsSchema>

/**
 * The reporting interval of a device: the mean of its gaps, or the configured interval until enough gaps are known;
 * absent without an interval. Servers before `silentAfterSeconds` sent the interval that they judged by.
 */
const IntervalSecondsSchema = z.number().positive()

/** A device is silent after this many seconds without a message: learned, configured, or the default. */
const SilentAfterSecondsSchema = z.number().positive()

/** The data of a `presence` event. */
export const PresenceChangeSchema = z.object({
  deviceId: z.string(),
  presence: PresenceSchema,
  since: IsoTimestampSchema,
  intervalSeconds: IntervalSecondsSchema.optional(),
  silentAfterSeconds: SilentAfterSecondsSchema.optional(),
})
export type PresenceChange = z.infer<typeof PresenceChangeSchema>

/** The newest value of one metric and when it was measured; `null` since the device sent that it has none. */
export const LatestValueSchema = z.object({
  value: MetricValueSchema.nullable(),
  ts: IsoTimestampSchema,
  /** A whole number with more digits than a double has, as text. */
  exact: z.literal(true).optional(),
})
export type LatestValue = z.infer<typeof LatestValueSchema>

/** The last known state of one device. */
export const DeviceStateSchema = z.object({
  deviceId: z.string(),
  /** When the device itself was last heard; `null` if only undated retained messages exist. */
  lastSeen: IsoTimestampSchema.nullable(),
  /**
   * The device's last telemetry message, late data excluded; its `metrics` are empty until the device has sent any.
   */
  lastTelemetry: TelemetrySchema,
  /** The newest value of every metric, whichever message brought it. */
  values: z.record(z.string(), LatestValueSchema),
  state: DeviceStatusSchema.nullable(),
  /** `wrong` while the device's times are too far ahead of the server's clock or behind it, or before 2015. */
  clock: z.enum(['ok', 'wrong']),
  presence: PresenceSchema.optional(),
  presenceSince: IsoTimestampSchema.optional(),
  intervalSeconds: IntervalSecondsSchema.optional(),
  silentAfterSeconds: SilentAfterSecondsSchema.optional(),
})
export type DeviceState = z.infer<typeof DeviceStateSchema>

/** `GET /api/sensors/{deviceId}?at=`: the device as it was then. */
export const DeviceQuerySchema = z.object({ at: IsoTimestampSchema.optional() })

/** Every device, as the stream's `snapshot` has it. */
export const DeviceStatesSchema = z.array(DeviceStateSchema)

/** Most devices of a page, characters and words of a search, characters of `fields` and of a cursor. */
export const MAX_PAGE_DEVICES = 10_000
export const MAX_SEARCH_LENGTH = 256
export const MAX_SEARCH_WORDS = 16
export const MAX_FIELDS_LENGTH = 256
export const MAX_CURSOR_LENGTH = 8_192

/** A top-level field of {@link DeviceStateSchema}. */
const DeviceFieldSchema = z.enum(DeviceStateSchema.keyof().options, {
  error: ({ input }) => `“${String(input).slice(0, 64)}” is no field of a device; there are ${DeviceStateSchema.keyof().options.join(', ')}`,
})
export type DeviceField = z.infer<typeof DeviceFieldSchema>

/** `GET /api/sensors?limit=&cursor=&q=&fields=`: without any of them every device as it is. */
export const DevicesQuerySchema = z.object({
  limit: z.coerce.number().int().min(1).max(MAX_PAGE_DEVICES).optional(),
  /** The end of the previous page: from its `Link` header, opaque to clients. */
  cursor: z.string().max(MAX_CURSOR_LENGTH).regex(/^[\w-]+$/, { error: 'must come from the Link header of a page' }).optional(),
  q: z.string().max(MAX_SEARCH_LENGTH).transform(searchWords)
    .pipe(z.array(z.string()).max(MAX_SEARCH_WORDS, { error: `must have at most ${MAX_SEARCH_WORDS} words` })).optional(),
  fields: z.string().max(MAX_FIELDS_LENGTH).transform(list => list.split(',').map(field => field.trim())).pipe(z.array(DeviceFieldSchema)).optional(),
  /** The devices as they were then. */
  at: IsoTimestampSchema.optional(),
})
export type DevicesQuery = z.infer<typeof DevicesQuerySchema>

/** Answer of `GET /api/sensors`: every device whole, or with the chosen `fields` and its name. */
export const DeviceListSchema = z.union([DeviceStatesSchema, z.array(DeviceStateSchema.partial().required({ deviceId: true }))])

/**
 * `GET /api/sensors/{deviceId}/messages?limit=&before=`: a page of messages measured before a time, the newest first.
 */
export const MessagesQuerySchema = z.object({
  limit: z.coerce.number().int().min(1).max(1_000).default(20),
  before: IsoTimestampSchema.optional(),
})

/** Its answer, newest first; `next` is the `before` of the next page, `null` on the last. */
export const RecentMessagesSchema = z.object({
  deviceId: z.string(),
  messages: z.array(TelemetrySchema),
  next: IsoTimestampSchema.nullable(),
})
export type RecentMessages = z.infer<typeof RecentMessagesSchema>
