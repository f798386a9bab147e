import { z } from 'zod'
import { lacksZone, toRfc3339 } from '#shared/time/iso-time'

/** A point in time as ISO 8601 with zone, e.g. `2025-11-02T12:00:00Z` or `…+01:00`. */
export const IsoTimestampSchema = z.iso.datetime({ offset: true })

/** The error for a time without zone: its zone would be a guess. */
export const ZONE_MISSING = 'has no time zone'

/** A time as devices write it: all ISO 8601 forms with a date and time. It is converted to RFC 3339. */
export const DeviceTimeSchema = z.string()
  .meta({ description: 'ISO 8601 with zone: 2025-11-02T12:00:00Z, 20251102T130000,5+0100, 2025-W44-7T12:00Z.' })
  .transform((text, context) => {
    const time = toRfc3339(text)
    if (time !== undefined) return time
    context.addIssue(lacksZone(text) ? ZONE_MISSING : 'is not a time')
    return z.NEVER
  })

/** One measured value. Numbers are finite: JSON's `1e999` is no reading. */
export const MetricValueSchema = z.union([z.number(), z.string(), z.boolean()])
export type MetricValue = z.infer<typeof MetricValueSchema>

/** Metric name -> value, e.g. `{ tempC: 21.3, humidity: 48.2, doorState: "open" }`. */
export const MetricsSchema = z.record(z.string(), MetricValueSchema)
export type Metrics = z.infer<typeof MetricsSchema>

/** Names of metrics. */
const NamesSchema = z.array(z.string())

/**
 * What a device publishes on `sensors/{deviceId}/telemetry`. The topic decides the deviceId; `ts` is the receive time when
 * absent; `null` says that a metric has no value now.
 */
export const TelemetryMessageSchema = z.object({
  deviceId: z.string().optional(),
  ts: DeviceTimeSchema.optional(),
  /** The device's own message number, by which gaps are found. */
  seq: z.number().int().nonnegative().optional(),
  metrics: z.record(z.string(), MetricValueSchema.nullable()),
})
export type TelemetryMessage = z.infer<typeof TelemetryMessageSchema>

/** One accepted telemetry message, as REST and the event stream carry it. */
export const TelemetrySchema = z.object({
  deviceId: z.string(),
  /** When it was measured: the device's own time if it is possible, else the receive time. */
  ts: IsoTimestampSchema,
  metrics: MetricsSchema,
  /** When the server received it. */
  receivedAt: IsoTimestampSchema,
  seq: z.number().int().nonnegative().optional(),
  /** The broker replayed a retained message: nothing was heard from the device itself. */
  replayed: z.literal(true).optional(),
  /** The impossible time that the device claimed; `ts` is the receive time instead. */
  claimedTs: IsoTimestampSchema.optional(),
  /**
   * Whether it is the newest message of the device, decided once on arrival. `true`: late data, such as a backlog; it
   * replaces nothing that was measured later. `false`: published again, for it was taken for late data and is the
   * newest after all. Absent: it is the newest.
   */
  late: z.boolean().optional(),
  /**
   * `wrong`: its `ts` is further behind `receivedAt` than allowed, and it is no late data: the device's clock is
   * behind.
   */
  clock: z.literal('wrong').optional(),
  /**
   * Metrics sent as whole numbers with more digits than a double has: in `metrics` they are texts with these digits.
   */
  exact: NamesSchema.optional(),
  /** Metrics without a value now (`null`); they are not in `metrics`. */
  absent: NamesSchema.optional(),
})
export type Telemetry = z.infer<typeof TelemetrySchema>
