import { z } from 'zod'
import { DeviceStatesSchema, DeviceStatusChangeSchema, PresenceChangeSchema } from '#shared/schemas/device'
import { BrokerStatusSchema } from '#shared/schemas/health'
import { KnownDeviceSchema, MAX_DEVICE_ID_LENGTH, MAX_LABEL_LENGTH } from '#shared/schemas/profile'
import { IsoTimestampSchema, TelemetrySchema } from '#shared/schemas/telemetry'

/** A WebSocket is closed with it when the session or the token that it was opened with has ended. */
export const CLOSE_SIGNED_OUT = 4401
/** The same when the rights have changed: a new connection shows what may be seen now. */
export const CLOSE_RIGHTS_CHANGED = 4403

export const MAX_EVENT_ID_LENGTH = 64

/**
 * The last event that a client has, e.g. `Zm9vYmFy.4711`; the part before the dot identifies the start of the server.
 */
const EventIdSchema = z.string().max(MAX_EVENT_ID_LENGTH)

/** Sent only to clients with extended streams. */
const id = EventIdSchema.optional()

/** What still waits for a client, and what was left out for it. */
export const StreamLagSchema = z.object({
  /** The server's clock. */
  time: z.iso.datetime(),
  /** `coalescing`: the client reads too slowly and gets the latest state of each device instead of every event. */
  state: z.enum(['flowing', 'coalescing']),
  /** Bytes written to the connection that have not left. */
  bufferedBytes: z.number().int().nonnegative(),
  /** Devices whose latest state waits until the client has caught up. */
  waitingDevices: z.number().int().nonnegative(),
  /** Events that were merged for this client so far. */
  coalescedEvents: z.number().int().nonnegative(),
})

/** A deleted device; until then it can be restored. `undoSeconds` is the time left when this was sent. */
export const ForgottenDeviceSchema = z.object({ deviceId: z.string(), until: z.iso.datetime(), undoSeconds: z.number().nonnegative() })
export type ForgottenDevice = z.infer<typeof ForgottenDeviceSchema>

/** The fastest replay, as a multiple of real time. */
export const MAX_SPEED = 600

/** The position of a replay: `ended` when it has reached the present. */
export const ReplayClockSchema = z.object({
  at: IsoTimestampSchema,
  /** Seconds of the past a second, as asked for; a slow client or disk makes it less. */
  speed: z.number(),
  state: z.enum(['playing', 'paused', 'ended']),
})
export type ReplayClock = z.infer<typeof ReplayClockSchema>

/**
 * Events of `/ws/events` and `/api/events`: first `snapshot`, then one `telemetry` per accepted message, in order per
 * device. All other types are additions that a client may ignore; those from `device` to `heartbeat` come only to
 * clients with a query, `coalesced` also to others that read too slowly, `clock` only in a replay.
 */
export const StreamEventSchema = z.discriminatedUnion('type', [
  /** `reason`: why a client that wanted to resume gets everything again. */
  z.object({ type: z.literal('snapshot'), id, reason: z.enum(['too-old', 'restarted', 'other-rights']).optional(), data: DeviceStatesSchema }),
  z.object({ type: z.literal('telemetry'), id, data: TelemetrySchema }),
  z.object({ type: z.literal('state'), id, data: DeviceStatusChangeSchema }),
  z.object({ type: z.literal('presence'), id, data: PresenceChangeSchema }),
  z.object({ type: z.literal('broker'), id, data: BrokerStatusSchema }),
  z.object({ type: z.literal('device'), id, data: KnownDeviceSchema }),
  z.object({ type: z.literal('forgotten'), id, data: ForgottenDeviceSchema }),
  z.object({ type: z.literal('withdrawn'), id, data: z.object({ deviceId: z.string() }) }),
  z.object({ type: z.literal('batch'), id, data: z.array(TelemetrySchema) }),
  z.object({ type: z.literal('states'), id, data: DeviceStatesSchema }),
  z.object({ type: z.literal('resumed'), id, data: z.object({ missed: z.number().int().nonnegative() }) }),
  /** `devices`: how many are wanted now; `groups`: how many groups were named. */
  z.object({ type: z.literal('subscribed'), id, data: z.object({ devices: z.number().int().nonnegative().nullable(), groups: z.number().int().nonnegative().optional() }) }),
  z.object({ type: z.literal('heartbeat'), id, data: StreamLagSchema }),
  z.object({ type: z.literal('coalesced'), id, data: z.object({ events: z.number().int().nonnegative(), devices: z.number().int().nonnegative() }) }),
  z.object({ type: z.literal('clock'), data: ReplayClockSchema }),
  z.object({ type: z.literal('pong') }),
  z.object({ type: z.literal('error'), data: z.object({ code: z.string(), message: z.string() }) }),
])
export type StreamEvent = z.infer<typeof StreamEventSchema>

/**
 * Requests on `/ws/events`: `ping` is answered with `pong`, `subscribe` with `subscribed` and the devices' states,
 * and in a replay the others with `clock`.
 */
export const StreamRequestSchema = z.discriminatedUnion('type', [
  z.object({ type: z.literal('ping') }),
  /** From now on only these devices and those of these groups; `devices: null` is all of them. */
  z.object({
    type: z.literal('subscribe'),
    devices: z.array(z.string().max(MAX_DEVICE_ID_LENGTH)).nullable().optional(),
    groups: z.array(z.string().max(MAX_LABEL_LENGTH)).optional(),
  }).refine(({ devices, groups }) => groups ? devices !== null : devices !== undefined, { error: 'must name devices or groups' }),
  z.object({ type: z.literal('play'), speed: z.number().positive().max(MAX_SPEED) }),
  z.object({ type: z.literal('pause') }),
  /** To the next message. */
  z.object({ type: z.literal('step') }),
  /** To another time: a new `snapshot`. */
  z.object({ type: z.literal('seek'), at: IsoTimestampSchema }),
])
export type StreamRequest = z.infer<typeof StreamRequestSchema>

const MOST_PER_SECOND = 60
const oneOrMany = z.union([z.string().transform(one => [one]), z.array(z.string())])

/** The query of `/ws/events` and `/api/events`. Without it a client gets the basic events. */
export const StreamQuerySchema = z.object({
  /** Resume after this event; empty to get ids from the snapshot on. */
  after: EventIdSchema.optional(),
  /** `every` event, or the `latest` state of what changed. */
  mode: z.enum(['every', 'latest']).default('every'),
  /** With `mode=latest`: frames a second. */
  rate: z.coerce.number().min(0.1).max(MOST_PER_SECOND).default(4),
  /** With `mode=every`: collect telemetry for this many milliseconds and send it as `batch`. */
  batch: z.coerce.number().int().min(10).max(10_000).optional(),
  /** Only this device; may be repeated. */
  device: oneOrMany.optional(),
  /** Only the devices of this group, by its present members; may be repeated, and adds to `device`. */
  group: oneOrMany.optional(),
  /** A replay from this time on instead of the present. */
  at: IsoTimestampSchema.optional(),
  /** With `at`: the speed, 1 as measured; 0: paused. */
  speed: z.coerce.number().min(0).max(MAX_SPEED).default(1),
})
export type StreamQuery = z.infer<typeof StreamQuerySchema>
