import { z } from 'zod'
import { PresenceSchema } from '#shared/schemas/device'
import { IsoTimestampSchema, MetricValueSchema } from '#shared/schemas/telemetry'
import { isZone } from '#shared/time/local-time'

/** Most points of a thinned answer, and most pairs of a raw one. */
export const MAX_POINTS = 5_000
export const MAX_RAW = 100_000

/** A moment in a query: ISO 8601 with zone, or milliseconds since 1970 (to the year 2255, where microseconds end). */
const MomentSchema = z.union([
  IsoTimestampSchema,
  z.string().regex(/^\d{1,12}(\.\d{1,3})?$|^[1-8]\d{12}(\.\d{1,3})?$/).transform(ms => new Date(Number(ms)).toISOString()),
])

/** Characters of a time zone's name. */
const MAX_ZONE_LENGTH = 64

const RANGE = { error: 'must not be later than `to`', path: ['from'] }
function isInOrder({ from, to }: { from?: string | undefined, to?: string | undefined }): boolean {
  return from === undefined || Date.parse(from) <= (to === undefined ? Infinity : Date.parse(to))
}

/** `GET /api/sensors/{deviceId}/history?metric=…`: by default the last 24 hours in about 500 points. */
export const HistoryQuerySchema = z.object({
  metric: z.string().min(1).max(1_024),
  from: MomentSchema.optional(),
  to: MomentSchema.optional(),
  points: z.coerce.number().int().min(1).max(MAX_POINTS).default(500),
  resolution: z.enum(['auto', 'raw']).default('auto'),
  limit: z.coerce.number().int().min(1).max(MAX_RAW).default(10_000),
}).refine(isInOrder, RANGE)
export type HistoryQuery = z.infer<typeof HistoryQuerySchema>

/** Milliseconds since 1970, microseconds as decimals. */
const TimeSchema = z.number()

const common = { deviceId: z.string(), metric: z.string(), unit: z.string().nullable(), from: IsoTimestampSchema, to: IsoTimestampSchema }

/**
 * From when until when a metric had no value, or, among numbers, something else: no line leads over it. `null`: to the end of
 * the range.
 */
export const HistoryGapSchema = z.object({ from: TimeSchema, to: TimeSchema.nullable() })
export type HistoryGap = z.infer<typeof HistoryGapSchema>

const gaps = z.array(HistoryGapSchema).optional()

/** One bucket of a number: every peak is in `min` and `max`, `count` is of the numbers. */
export const HistoryPointSchema = z.object({
  time: TimeSchema, min: z.number(), max: z.number(), mean: z.number(), last: z.number(), count: z.number().int().positive(),
})
export type HistoryPoint = z.infer<typeof HistoryPointSchema>

/** A text or a boolean that held from one moment to another. */
export const HistoryIntervalSchema = z.object({
  from: TimeSchema,
  to: TimeSchema,
  value: MetricValueSchema,
  /** When it began to hold, if that was before the range: exact, or to the minute or hour of the retained tier. */
  since: TimeSchema.optional(),
})
export type HistoryInterval = z.infer<typeof HistoryIntervalSchema>

/** Answer of `GET /api/sensors/{deviceId}/history`; `resolution` names the tier it was made from. */
export const HistoryAnswerSchema = z.discriminatedUnion('kind', [
  z.object({
    ...common,
    kind: z.literal('number'),
    resolution: z.enum(['raw', 'minute', 'hour']),
    stepSeconds: z.number(),
    points: z.array(HistoryPointSchema),
    gaps,
    /** So many samples are no numbers: texts, booleans, or no value. They are in no point. */
    skipped: z.number().int().positive().optional(),
    /** Whole numbers with more digits than a double are rounded here; the exact ones are in the samples. */
    rounded: z.literal(true).optional(),
  }),
  z.object({ ...common, kind: z.literal('state'), resolution: z.enum(['raw', 'minute', 'hour']), points: z.array(HistoryIntervalSchema), gaps }),
  z.object({
    ...common,
    kind: z.literal('samples'),
    resolution: z.literal('raw'),
    /** With `resolution=raw`: every sample, oldest first; `null` where there was no value. */
    points: z.array(z.tuple([TimeSchema, MetricValueSchema.nullable()])),
    /** `limit` cut it short (go on after the last time). */
    more: z.boolean(),
    /** Indexes of points that are whole numbers with more digits than a double has, as texts. */
    exact: z.array(z.number().int().nonnegative()).optional(),
  }),
])
export type HistoryAnswer = z.infer<typeof HistoryAnswerSchema>

/** Transitions stored per device, and most of an answer. */
export const MAX_PRESENCE_LINES = 2_000

/** `GET /api/sensors/{deviceId}/presence`: by default the newest 500 lines of the last 24 hours. */
export const PresenceQuerySchema = z.object({
  from: MomentSchema.optional(),
  to: MomentSchema.optional(),
  limit: z.coerce.number().int().min(1).max(MAX_PRESENCE_LINES).default(500),
}).refine(isInOrder, RANGE)

/** The new presence of a device, and since when. */
export const PresenceLineSchema = z.object({ at: IsoTimestampSchema, presence: PresenceSchema })
export type PresenceLine = z.infer<typeof PresenceLineSchema>

/** Its answer. */
export const PresenceAnswerSchema = z.object({
  deviceId: z.string(),
  from: IsoTimestampSchema,
  to: IsoTimestampSchema,
  /** The transition before the first of `lines`, which held until then; `null` if none is stored. */
  before: PresenceLineSchema.nullable(),
  /** After `from`, oldest first. */
  lines: z.array(PresenceLineSchema),
  /** `limit` left out older lines of the range. */
  more: z.boolean(),
})
export type PresenceAnswer = z.infer<typeof PresenceAnswerSchema>

/** `GET /api/sensors/{deviceId}/export`: every sample of a range as a file; all metrics unless one is named. */
export const ExportQuerySchema = z.object({
  metric: z.string().min(1).max(1_024).optional(),
  from: MomentSchema.optional(),
  to: MomentSchema.optional(),
  /**
   * `csv`: `time,device,name,metric,unit,value`; `csv-de`: the same for German Excel, with semicolons, decimal commas and
   * local times beside the exact ones; `jsonl`: a `{ "time", "metric", "value" }` a line. Times in ISO 8601.
   */
  format: z.enum(['csv', 'csv-de', 'jsonl']).default('csv'),
  /** Of the local times. */
  zone: z.string().max(MAX_ZONE_LENGTH).refine(isZone, { error: 'must be a time zone such as Europe/Berlin' })
    .default('Europe/Berlin'),
}).refine(isInOrder, RANGE)
export type ExportQuery = z.infer<typeof ExportQuerySchema>

/** Header of an export: the number of its messages, to show progress. */
export const EXPORT_MESSAGES_HEADER = 'x-leitstand-messages'
