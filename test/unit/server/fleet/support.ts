import type { DeviceStatusChange } from '#shared/schemas/device'
import type { Telemetry } from '#shared/schemas/telemetry'
import { createFleet } from '../../../../server/fleet/fleet'
import type { Fleet } from '../../../../server/fleet/fleet'

let clock = Date.parse('2026-01-01T12:00:00.000Z')

export function telemetry(deviceId: string, metrics: Telemetry['metrics'], given: Partial<Telemetry> = {}): Telemetry {
  const at = new Date(clock++).toISOString()
  return { deviceId, ts: at, receivedAt: at, metrics, ...given }
}

export function status(deviceId: string, word: string | null): DeviceStatusChange {
  const at = new Date(clock++).toISOString()
  return { deviceId, status: word, updatedAt: at, receivedAt: at }
}

/** Devices `d-0`, `d-1`, … that have sent one number. */
export function fleetOf(devices: number): Fleet {
  const fleet = createFleet({ devices: 100_000, metricsPerMessage: 256, fleetBytes: 100_000_000 })
  for (let n = 0; n < devices; n++) fleet.applyTelemetry(telemetry(`d-${n}`, { n }), 10)
  return fleet
}
