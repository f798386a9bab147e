import type { DeviceState, DeviceStatusChange } from '#shared/schemas/device'
import type { Telemetry } from '#shared/schemas/telemetry'
import { presenceChangeOf } from '#shared/device/device-state'
import type { Fleet } from './fleet'
import type { Snapshot } from './snapshot'

/** The states of devices as JSON, as the stream sends them. */
export function createStateMessages(fleet: Fleet, snapshot: Snapshot) {
  return {
    /** All of them, as a JSON array. */
    all: snapshot.bytes,
    /** Of these, as far as they are known, as a JSON array. */
    of: (deviceIds: Iterable<string>) => JSON.stringify([...deviceIds].flatMap(deviceId => fleet.get(deviceId) ?? [])),
    /** The latest of one device as basic events: one message with the newest value of every metric. */
    latest(deviceId: string): { type: 'telemetry' | 'state' | 'presence', data: string }[] {
      const device = fleet.get(deviceId)
      if (!device) return []
      const telemetry = everyValue(device)
      const change: DeviceStatusChange | undefined = device.state ? { ...device.state, deviceId } : undefined
      const alive = presenceChangeOf(device)
      return [
        ...(hasValues(device) ? [{ type: 'telemetry' as const, data: JSON.stringify(telemetry) }] : []),
        ...(change ? [{ type: 'state' as const, data: JSON.stringify(change) }] : []),
        ...(alive ? [{ type: 'presence' as const, data: JSON.stringify(alive) }] : []),
      ]
    },
  }
}

function hasValues({ values }: DeviceState): boolean {
  return Object.keys(values).length > 0
}

/** The last message, with the newest value of every metric. */
function everyValue({ lastTelemetry, values }: DeviceState): Telemetry {
  const { exact: _, absent: __, ...rest } = lastTelemetry
  const latest = Object.entries(values)
  const [exact, absent] = [latest.filter(([, value]) => value.exact), latest.filter(([, { value }]) => value === null)]
  return {
    ...rest,
    metrics: Object.fromEntries(latest.flatMap(([name, { value }]) => value === null ? [] : [[name, value]])),
    ...(exact.length > 0 && { exact: exact.map(([name]) => name) }),
    ...(absent.length > 0 && { absent: absent.map(([name]) => name) }),
  }
}
