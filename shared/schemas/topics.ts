import { z } from 'zod'
import { MAX_SEARCH_LENGTH, MAX_SEARCH_WORDS } from '#shared/schemas/device'
import { RejectionReasonSchema } from '#shared/schemas/rejection'
import { IsoTimestampSchema } from '#shared/schemas/telemetry'
import { searchWords } from '#shared/text/search-words'

/** Most branches of one request, entries of one branch, and bytes of a topic (MQTT allows no longer one). */
export const MAX_TOPIC_BRANCHES = 20
export const MAX_TOPIC_ENTRIES = 1_000
export const MAX_TOPIC_LENGTH = 65_535

const count = z.number().int().nonnegative()
/** Messages a second over the last 10 to 20 seconds; of what speaks less often between its last two messages; 0 once it is silent. */
const rate = z.number().nonnegative()

/** The result of a message. */
export const TopicVerdictSchema = z.discriminatedUnion('kind', [
  /** `metrics` are the names of the values, at most 20 of `count`. */
  z.object({ kind: z.literal('telemetry'), deviceId: z.string(), metrics: z.array(z.string()), count }),
  /** `status` is `null` when the retained state was deleted. */
  z.object({ kind: z.literal('state'), deviceId: z.string(), status: z.string().nullable() }),
  z.object({ kind: z.literal('rejected'), reason: RejectionReasonSchema, detail: z.string() }),
])
export type TopicVerdict = z.infer<typeof TopicVerdictSchema>

/** The beginning of a payload: as text where it is text, else in base64. */
export const TopicPayloadSchema = z.object({
  encoding: z.enum(['text', 'base64']),
  data: z.string(),
  /** Size of the whole payload. */
  bytes: count,
})

export type TopicPayload = z.infer<typeof TopicPayloadSchema>

/** One topic as the broker carries it. */
export const TopicSchema = z.object({
  kind: z.literal('topic'),
  topic: z.string(),
  /** Since the server started (or since it was dropped for lack of room). */
  messages: count,
  rate,
  lastAt: IsoTimestampSchema,
  qos: z.union([z.literal(0), z.literal(1)]),
  /** The last message was a retained one that the broker replayed. */
  replayed: z.boolean(),
  /** A recent payload: sampled once a second at most. */
  payload: TopicPayloadSchema,
  verdict: TopicVerdictSchema,
})
export type Topic = z.infer<typeof TopicSchema>

/** Several topics with a common beginning. */
export const TopicBranchSchema = z.object({
  kind: z.literal('branch'),
  /** What they begin with; ends with `/`. */
  path: z.string(),
  topics: count,
  messages: count,
  rate,
  lastAt: IsoTimestampSchema,
  /** Topics whose last message was rejected. */
  rejected: count,
})
export type TopicBranch = z.infer<typeof TopicBranchSchema>

export const TopicEntrySchema = z.discriminatedUnion('kind', [TopicSchema, TopicBranchSchema])
export type TopicEntry = z.infer<typeof TopicEntrySchema>

/** `GET /api/topics?under=&q=&limit=` */
export const TopicsQuerySchema = z.object({
  under: z.union([z.string(), z.array(z.string())]).transform(given => [given].flat())
    .pipe(z.array(z.string().max(MAX_TOPIC_LENGTH)).max(MAX_TOPIC_BRANCHES)).default(['']),
  q: z.string().max(MAX_SEARCH_LENGTH).transform(searchWords)
    .pipe(z.array(z.string()).max(MAX_SEARCH_WORDS, { error: `must have at most ${MAX_SEARCH_WORDS} words` })).optional(),
  limit: z.coerce.number().int().min(1).max(MAX_TOPIC_ENTRIES).default(200),
})
export type TopicsQuery = z.infer<typeof TopicsQuerySchema>

/** Answer of `GET /api/topics`. */
export const TopicsSchema = z.object({
  /** Stored topics, and their limit. */
  topics: count,
  limit: count,
  /** Messages of topics without room, and topics that were dropped to make room. */
  unlisted: count,
  forgotten: count,
  /** One for each requested `under`, in that order; entries are sorted by name, `more` were left out. */
  levels: z.array(z.object({ under: z.string(), entries: z.array(TopicEntrySchema), more: count })),
})
export type Topics = z.infer<typeof TopicsSchema>
