import type { StateMessage } from '#shared/schemas/device'
import type { TelemetryMessage } from '#shared/schemas/telemetry'

/** One device of the simulated site. What it says depends on the time alone (Unix time in milliseconds). */
export interface Device {
  deviceId: string
  /** The payload of `sensors/{deviceId}/telemetry` at `atMs`; undefined while the device is silent. */
  telemetry: (atMs: number) => string | undefined
  /** The payload of the retained `sensors/{deviceId}/state`, where the device has one: a new text whenever its status changed. */
  state?: (atMs: number) => string
}

/** A telemetry payload as it goes to the broker. */
export function encodeTelemetry(message: TelemetryMessage): string {
  return JSON.stringify(message)
}

/** A state payload as it goes to the broker. */
export function encodeState(message: StateMessage): string {
  return JSON.stringify(message)
}

/** Unix milliseconds as ISO 8601 in UTC. */
export function isoTime(atMs: number): string {
  return new Date(atMs).toISOString()
}
