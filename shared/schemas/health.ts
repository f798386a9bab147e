import { z } from 'zod'
import { RefusalsSchema } from '#shared/schemas/refusal'
import { IsoTimestampSchema } from '#shared/schemas/telemetry'

/** How the connection to the broker stands; each code has a sentence in every language. */
export const BrokerCodeSchema = z.enum([
  'connecting',
  'connected',
  'subscription-refused',
  'store-failed',
  'unreachable',
  'host-unknown',
  'login-refused',
  'not-authorized',
  'client-id-refused',
  'protocol-refused',
  'refused',
  'tls-failed',
  'taken-over',
  'lost',
  'stopped',
])
export type BrokerCode = z.infer<typeof BrokerCodeSchema>

export const BrokerStatusSchema = z.object({
  code: BrokerCodeSchema,
  /** The same in words, with the broker's or the system's own reason. */
  reason: z.string(),
  /** The broker's address without credentials. */
  url: z.string(),
  /** The application's own broker, because none was configured. */
  embedded: z.boolean(),
  protocol: z.enum(['MQTT 5.0', 'MQTT 3.1.1']).nullable(),
  /** Since when `code` holds. */
  since: IsoTimestampSchema,
  /** Attempts since the connection was last up. */
  attempts: z.number().int().nonnegative(),
  /** Topic filters the broker granted, and those it refused. */
  granted: z.array(z.string()),
  refused: z.array(z.string()),
  /** The MQTT reason code of each refused filter: 128 in MQTT 3.1.1, 135 for a missing right in MQTT 5. */
  reasonCodes: z.array(z.number().int()).optional(),
  /** Filters of further conventions: those that the broker granted, and those that it did not, or closed the connection for. */
  further: z.object({ granted: z.array(z.string()), declined: z.array(z.string()) }).optional(),
})
export type BrokerStatus = z.infer<typeof BrokerStatusSchema>

/** The server's own clock was set back, by more than can be bridged by stopping. */
export const ClockStepSchema = z.object({
  /** The time to which it was set. */
  at: IsoTimestampSchema,
  setBackSeconds: z.number().int().positive(),
})
export type ClockStep = z.infer<typeof ClockStepSchema>

/** Answer of `GET /api/health`: 200 with `ok`, else 503; all of it for visitors with access. */
export const HealthSchema = z.object({
  status: z.enum(['ok', 'fault']),
  /** Why it is not well, in one sentence; `null` when it is. */
  reason: z.string().nullable(),
  broker: BrokerStatusSchema,
  startedAt: IsoTimestampSchema,
  /** The last time that the server's clock was set back; `null`: it was not since the start. */
  clock: ClockStepSchema.nullable(),
  devices: z.number().int().nonnegative(),
  streamClients: z.number().int().nonnegative(),
  messages: z.object({
    received: z.number().int().nonnegative(),
    accepted: z.number().int().nonnegative(),
    /** Delivered again although they were stored already. */
    duplicate: z.number().int().nonnegative(),
    rejected: z.number().int().nonnegative(),
  }),
  /** Rejected requests and connections since the start, by reason. */
  refused: RefusalsSchema,
})
export type Health = z.infer<typeof HealthSchema>

export const HealthAnswerSchema = z.union([HealthSchema, HealthSchema.pick({ status: true })])
export type HealthAnswer = z.infer<typeof HealthAnswerSchema>
