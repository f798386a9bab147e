import { z } from 'zod'
import { BrokerCodeSchema } from '#shared/schemas/health'
import { RejectionReasonSchema } from '#shared/schemas/rejection'
import { IsoTimestampSchema } from '#shared/schemas/telemetry'

/** Most names that a check lists; `count` says how many there are. */
export const MAX_DOCTOR_NAMES = 10

/** What is looked at, in this order. */
export const DoctorCheckNameSchema = z.enum(['broker', 'login', 'subscription', 'messages', 'acceptance', 'clocks', 'states', 'ghosts', 'root'])

/** `unknown`: not known (yet), mostly because an earlier check failed. */
export const DoctorStatusSchema = z.enum(['ok', 'warning', 'fault', 'unknown'])
export type DoctorStatus = z.infer<typeof DoctorStatusSchema>

/** What a check found; each code has a sentence in every language. */
export const DoctorCodeSchema = z.enum([
  /** An earlier check failed. */
  'skipped',
  'broker-reached',
  'broker-connecting',
  'broker-unreachable',
  'broker-host-unknown',
  'broker-tls-failed',
  'broker-protocol-refused',
  'broker-refused',
  'broker-taken-over',
  'broker-lost',
  'login-accepted',
  'login-refused',
  'login-not-authorized',
  'login-client-id-refused',
  'subscription-granted',
  'subscription-declined',
  'subscription-refused',
  'subscription-withheld',
  'messages-seen',
  'messages-stopped',
  'messages-replayed',
  'messages-none',
  'messages-elsewhere',
  'messages-nowhere',
  'acceptance-all',
  'acceptance-some',
  'acceptance-none',
  'acceptance-store-failed',
  'clocks-right',
  'clocks-wrong',
  'clocks-server-set-back',
  'states-seen',
  'states-none',
  'ghosts-none',
  'ghosts-waiting',
  'ghosts-seen',
  'root-unseen',
  'root-alone',
  'root-shared',
])
export type DoctorCode = z.infer<typeof DoctorCodeSchema>

const count = z.number().int().nonnegative()

/** What a finding rests on; each check has those that belong to it. */
export const DoctorFactsSchema = z.object({
  /** The broker's address without credentials, its state and the server's words for it. */
  url: z.string(),
  broker: BrokerCodeSchema,
  reason: z.string(),
  /** The topic below which the application publishes, and the names of other installations that do. */
  root: z.string(),
  installations: z.array(z.string()),
  /** Topic filters, and the MQTT reason codes with which the broker refused them. */
  filters: z.array(z.string()),
  /** Filters of further conventions that the broker did not grant. */
  declined: z.array(z.string()),
  reasonCodes: z.array(z.number().int()),
  messages: count,
  accepted: count,
  rejected: count,
  lastAt: IsoTimestampSchema,
  /** How many topics or devices are concerned, and of how many. */
  count,
  of: count,
  /** The first of them. */
  topics: z.array(z.string()),
  devices: z.array(z.string()),
  /** Seconds by which the clock of each of `devices` is ahead (or, negative, behind). */
  aheadSeconds: z.array(z.number()),
  /** By how many seconds the server's clock was set back. */
  seconds: count,
  /** Why messages were rejected, the most frequent first. */
  reasons: z.array(z.object({ reason: RejectionReasonSchema, topics: count })),
}).partial()
export type DoctorFacts = z.infer<typeof DoctorFactsSchema>

export const DoctorCheckSchema = z.object({
  check: DoctorCheckNameSchema,
  status: DoctorStatusSchema,
  code: DoctorCodeSchema,
  facts: DoctorFactsSchema,
})
export type DoctorCheck = z.infer<typeof DoctorCheckSchema>

/** Other topics that the broker carries: a short look at everything, on request. */
export const ExaminationSchema = z.object({
  at: IsoTimestampSchema,
  /** `refused`: the broker does not let us look at everything; `failed`: the connection for it failed. */
  outcome: z.enum(['looked', 'refused', 'failed']),
  /** The server's words for an outcome that is not `looked`. */
  reason: z.string().nullable(),
  seconds: z.number().nonnegative(),
  /** Whether it was ended early, because there was too much to see. */
  isCut: z.boolean(),
  messages: count,
  /** Whether the application's own status message came back: if not, the broker withholds what it carries. */
  ownStatusSeen: z.boolean(),
  /** Topics seen outside our subscriptions (at most 100, the busiest first), and how many there were within. */
  others: z.array(z.object({ topic: z.string(), messages: count, retained: z.boolean() })),
  othersTotal: count,
  within: count,
  /** Topics below our own root with messages of other publishers (at most 100), and the installation named in them. */
  strangers: z.array(z.object({ topic: z.string(), installation: z.string().nullable() })),
})
export type Examination = z.infer<typeof ExaminationSchema>

/** Answer of `GET /api/doctor`. */
export const DoctorSchema = z.object({
  at: IsoTimestampSchema,
  /** The worst of the checks that could be made. */
  status: DoctorStatusSchema,
  checks: z.array(DoctorCheckSchema),
  /** The last examination; `null` before the first. */
  examination: ExaminationSchema.nullable(),
})
export type Doctor = z.infer<typeof DoctorSchema>
