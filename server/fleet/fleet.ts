// Owns the last known state of every device. Promises that the states it hands out never change afterwards, and that it
// grows no further than its limits. Never knows where a message came from or who reads it.
import type { DeviceState, DeviceStatusChange, PresenceChange } from '#shared/schemas/device'
import type { RejectionReason } from '#shared/schemas/rejection'
import type { Telemetry } from '#shared/schemas/telemetry'
import { withPresence, withStatus, withTelemetry } from '#shared/utils/device-state'
import { countKeys, KeptState } from './kept'

export interface FleetLimits {
  devices: number
  metricsPerMessage: number
  fleetBytes: number
}

/** `changed`: worth telling. `known`: a replay that brought nothing new. `full`: a limit was reached. */
export type Outcome
  = | { kind: 'changed' }
    | { kind: 'known' }
    | { kind: 'full', reason: RejectionReason, detail: string }

/** A device as it stands now: unlike the state it holds, this follows the device. For this room only. */
export interface Kept {
  /** Made when it is asked for. */
  readonly device: DeviceState
  /** The {@link Fleet.revision} that made `device` what it is; no two devices share one. */
  readonly revision: number
  /** Its place in {@link Fleet.all}. */
  readonly place: number
}

/** Devices that stand next to each other in {@link Fleet.all}: all groups but the last hold {@link GROUP_DEVICES}. */
export interface Group {
  readonly members: readonly Kept[]
  /** The highest of its members. */
  readonly revision: number
}

export const GROUP_DEVICES = 64

export interface Fleet {
  applyTelemetry: (telemetry: Telemetry, bytes: number) => Outcome
  applyStatus: (change: DeviceStatusChange, bytes: number) => Outcome
  applyPresence: (change: PresenceChange) => void
  /** Takes a device as it was kept; replaces nothing that is newer. */
  restore: (device: DeviceState, bytes: number) => void
  get: (deviceId: string) => DeviceState | undefined
  /** Every device, sorted by nothing in particular: in the order they were first heard. None ever leaves. */
  all: () => DeviceState[]
  /** Their names in the same order. */
  ids: () => MapIterator<string>
  size: () => number
  /** Counts the changes: as long as it stays the same, so does everything that `all` and `get` hand out. */
  revision: () => number
  /** Every device, grouped so that whoever looks for changes need not look at each. */
  groups: () => readonly Group[]
  find: (deviceId: string) => Kept | undefined
}

interface EntryGroup { members: Entry[], revision: number }

class Entry extends KeptState implements Kept {
  bytes = 0
  revision = 0
  readonly place: number
  readonly group: EntryGroup

  constructor(device: DeviceState, place: number, group: EntryGroup) {
    super(device)
    this.place = place
    this.group = group
  }
}

const CHANGED: Outcome = { kind: 'changed' }
const KNOWN: Outcome = { kind: 'known' }

export function createFleet(limits: FleetLimits): Fleet {
  const entries = new Map<string, Entry>()
  const groups: EntryGroup[] = []
  let heldBytes = 0
  let revision = 0

  /** Takes the next state of a device if the limits allow it. */
  function put(next: DeviceState | undefined, held: Entry | undefined, bytes: number): Outcome {
    if (!next) return KNOWN
    if (!held && entries.size >= limits.devices) {
      return full('device-limit', `${limits.devices} devices are kept already; NUXT_LIMITS_DEVICES allows more.`)
    }
    const metrics = countKeys(next.values)
    if (metrics > limits.metricsPerMessage) {
      return full('metrics-too-many', `The device has sent more than ${limits.metricsPerMessage} different metrics.`)
    }
    // New names add to what is held, known ones replace it.
    const addsNames = !held || metrics > held.metrics
    const growth = addsNames ? bytes : Math.max(0, bytes - held.bytes)
    if (growth > 0 && heldBytes + growth > limits.fleetBytes) {
      return full('fleet-full', `The last values of all devices take up ${limits.fleetBytes} bytes already; NUXT_LIMITS_FLEET_BYTES allows more.`)
    }
    heldBytes += growth
    revision++
    const entry = held ?? add(next)
    entry.set(next)
    entry.bytes += growth
    entry.revision = entry.group.revision = revision
    return CHANGED
  }

  function add(device: DeviceState): Entry {
    const place = entries.size
    if (place % GROUP_DEVICES === 0) groups.push({ members: [], revision })
    const group = groups[groups.length - 1] ?? { members: [], revision }
    const entry = new Entry(device, place, group)
    group.members.push(entry)
    entries.set(device.deviceId, entry)
    return entry
  }

  return {
    applyTelemetry(telemetry, bytes) {
      const held = entries.get(telemetry.deviceId)
      return put(held ? held.afterTelemetry(telemetry) : withTelemetry(undefined, telemetry), held, bytes)
    },
    applyStatus(change, bytes) {
      const held = entries.get(change.deviceId)
      // Deleting the state of a device nobody knows is no news.
      if (!held && change.status === null) return KNOWN
      return put(held ? held.afterStatus(change) : withStatus(undefined, change), held, bytes)
    },
    applyPresence(change) {
      const held = entries.get(change.deviceId)
      if (held) put(withPresence(held.device, change), held, 0)
    },
    restore(device, bytes) {
      if (!entries.has(device.deviceId)) put(device, undefined, bytes)
    },
    get: deviceId => entries.get(deviceId)?.device,
    all: () => Array.from(entries.values(), entry => entry.device),
    ids: () => entries.keys(),
    size: () => entries.size,
    revision: () => revision,
    groups: () => groups,
    find: deviceId => entries.get(deviceId),
  }
}

function full(reason: RejectionReason, detail: string): Outcome {
  return { kind: 'full', reason, detail }
}
