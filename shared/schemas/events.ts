import { z } from 'zod'
import { DeviceStatesSchema, DeviceStatusChangeSchema } from '#shared/schemas/device'
import { BrokerStatusSchema } from '#shared/schemas/health'
import { TelemetrySchema } from '#shared/schemas/telemetry'

/**
 * What the server says on `/ws/events`: first `snapshot`, then one `telemetry` per accepted message, in order per device.
 * `state`, `broker`, `pong` and `error` are additions that a client may ignore.
 */
export const StreamEventSchema = z.discriminatedUnion('type', [
  z.object({ type: z.literal('snapshot'), data: DeviceStatesSchema }),
  z.object({ type: z.literal('telemetry'), data: TelemetrySchema }),
  z.object({ type: z.literal('state'), data: DeviceStatusChangeSchema }),
  z.object({ type: z.literal('broker'), data: BrokerStatusSchema }),
  z.object({ type: z.literal('pong') }),
  z.object({ type: z.literal('error'), data: z.object({ code: z.string(), message: z.string() }) }),
])
export type StreamEvent = z.infer<typeof StreamEventSchema>

/** What a client may say on `/ws/events`. `ping` is answered with `pong`, anything else with `error`. */
export const StreamRequestSchema = z.object({ type: z.literal('ping') })
export type StreamRequest = z.infer<typeof StreamRequestSchema>
