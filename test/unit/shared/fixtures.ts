import type { DeviceState } from '#shared/schemas/device'
import type { Telemetry } from '#shared/schemas/telemetry'
import { withTelemetry } from '#shared/device/device-state'

export const NOW = Date.parse('2026-11-14T03:00:00.000Z')

/** A live message heard `secondsAgo` before `NOW`. */
export function telemetry(deviceId: string, metrics: Telemetry['metrics'], secondsAgo = 0): Telemetry {
  const time = new Date(NOW - secondsAgo * 1_000).toISOString()
  return { deviceId, ts: time, receivedAt: time, metrics }
}

/** A device that sent this one message. */
export function device(deviceId: string, metrics: Telemetry['metrics'], secondsAgo = 0): DeviceState {
  return withTelemetry(undefined, telemetry(deviceId, metrics, secondsAgo))
}
