// Owns the last known state of every device. Promises that what it hands out never changes afterwards, and that it grows
// no further than its limits. Never knows where a message came from or who reads it.
import type { DeviceState, DeviceStatusChange } from '#shared/schemas/device'
import type { RejectionReason } from '#shared/schemas/rejection'
import type { Telemetry } from '#shared/schemas/telemetry'
import { withStatus, withTelemetry } from '#shared/utils/device-state'
import { createRecentMessages } from './recent-messages'

export interface FleetLimits {
  devices: number
  metricsPerMessage: number
  fleetBytes: number
  recentBytes: number
}

/** `changed`: worth telling. `known`: a replay that brought nothing new. `full`: a limit was reached. */
export type Outcome
  = | { kind: 'changed' }
    | { kind: 'known' }
    | { kind: 'full', reason: RejectionReason, detail: string }

export interface Fleet {
  applyTelemetry: (telemetry: Telemetry, bytes: number) => Outcome
  applyStatus: (change: DeviceStatusChange, bytes: number) => Outcome
  /** Takes a device as it was kept; replaces nothing that is newer. */
  restore: (device: DeviceState, bytes: number) => void
  get: (deviceId: string) => DeviceState | undefined
  /** Every device, sorted by nothing in particular: in the order they were first heard. */
  all: () => DeviceState[]
  /** Recent telemetry of a device, newest first. */
  recent: (deviceId: string) => Telemetry[]
  size: () => number
}

interface Entry { device: DeviceState, bytes: number }

const CHANGED: Outcome = { kind: 'changed' }
const KNOWN: Outcome = { kind: 'known' }

export function createFleet(limits: FleetLimits): Fleet {
  const entries = new Map<string, Entry>()
  const recent = createRecentMessages(limits.recentBytes)
  let heldBytes = 0

  /** Takes the next state of a device if the limits allow it. */
  function put(next: DeviceState, held: Entry | undefined, bytes: number): Outcome {
    if (next === held?.device) return KNOWN
    if (!held && entries.size >= limits.devices) {
      return full('device-limit', `${limits.devices} devices are kept already; NUXT_LIMITS_DEVICES allows more.`)
    }
    const metrics = Object.keys(next.values).length
    if (metrics > limits.metricsPerMessage) {
      return full('metrics-too-many', `The device has sent more than ${limits.metricsPerMessage} different metrics.`)
    }
    // New names add to what is held, known ones replace it.
    const addsNames = !held || metrics > Object.keys(held.device.values).length
    const growth = addsNames ? bytes : Math.max(0, bytes - held.bytes)
    if (growth > 0 && heldBytes + growth > limits.fleetBytes) {
      return full('fleet-full', `The last values of all devices take up ${limits.fleetBytes} bytes already; NUXT_LIMITS_FLEET_BYTES allows more.`)
    }
    heldBytes += growth
    entries.set(next.deviceId, { device: next, bytes: (held?.bytes ?? 0) + growth })
    return CHANGED
  }

  return {
    applyTelemetry(telemetry, bytes) {
      const held = entries.get(telemetry.deviceId)
      const outcome = put(withTelemetry(held?.device, telemetry), held, bytes)
      if (outcome.kind === 'changed') recent.add(telemetry, bytes)
      return outcome
    },
    applyStatus(change, bytes) {
      const held = entries.get(change.deviceId)
      // Deleting the state of a device nobody knows is no news.
      if (!held && change.status === null) return KNOWN
      return put(withStatus(held?.device, change), held, bytes)
    },
    restore(device, bytes) {
      if (!entries.has(device.deviceId)) put(device, undefined, bytes)
    },
    get: deviceId => entries.get(deviceId)?.device,
    all: () => Array.from(entries.values(), entry => entry.device),
    recent: deviceId => recent.of(deviceId),
    size: () => entries.size,
  }
}

function full(reason: RejectionReason, detail: string): Outcome {
  return { kind: 'full', reason, detail }
}
