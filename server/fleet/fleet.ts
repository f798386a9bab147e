// Owns the last known state of every device. Promises that the states it returns never change afterwards, and that it
// stays within its limits. Never knows where a message came from or who reads it.
import type { DeviceState, DeviceStatusChange, PresenceChange } from '#shared/schemas/device'
import type { RejectionReason } from '#shared/schemas/rejection'
import type { Telemetry } from '#shared/schemas/telemetry'
import { withPresence, withStatus, withTelemetry } from '#shared/device/device-state'
import { countKeys, CompactDeviceState } from './compact-state'

export interface FleetLimits {
  devices: number
  metricsPerMessage: number
  fleetBytes: number
}

/** `changed`: publish it. `hidden`: store it only. `known`: a replay without news. `full`: a limit was reached. */
export type Outcome
  = | { kind: 'changed' }
    | { kind: 'hidden' }
    | { kind: 'known' }
    | { kind: 'full', reason: RejectionReason, detail: string }

/** A device as it is now: unlike the state it returns, this object changes with the device. Only for this room. */
export interface DeviceRecord {
  /** The last message of the device, and the last one on its state topic: cheaper than `device`. */
  readonly lastTelemetry: Telemetry
  readonly lastStatus: DeviceState['state']
  readonly intervalSeconds?: number | undefined
  readonly silentAfterSeconds?: number | undefined
  /** Number of different metrics. */
  readonly metrics: number
  /** Computed on demand. */
  readonly device: DeviceState
  /** The {@link Fleet.revision} of the last change to `device`; no two devices share one. */
  readonly revision: number
  /** Its place in the fleet; free for another device once this one is dropped. */
  readonly place: number
  /** Held in memory, but invisible to clients. */
  readonly isHidden: boolean
}

/** Devices with adjacent places, hidden ones included: all groups but the last hold {@link GROUP_DEVICES}. */
export interface Group {
  readonly members: readonly DeviceRecord[]
  /** The highest of its members. */
  readonly revision: number
}

export const GROUP_DEVICES = 64

export interface Fleet {
  applyTelemetry: (telemetry: Telemetry, bytes: number) => Outcome
  applyStatus: (change: DeviceStatusChange, bytes: number) => Outcome
  applyPresence: (change: PresenceChange) => Outcome
  /** The result that {@link Fleet.applyTelemetry} would have now; nothing changes. */
  judgeTelemetry: (telemetry: Telemetry, bytes: number) => Outcome
  judgeStatus: (change: DeviceStatusChange, bytes: number) => Outcome
  /** Restores a stored device; replaces nothing newer. */
  restore: (device: DeviceState, bytes: number) => void
  get: (deviceId: string) => DeviceState | undefined
  /** From now on clients do not see the device, but its state is still updated; returns whether it was visible. */
  hide: (deviceId: string) => boolean
  /** Shows a hidden device again, as it is now; returns whether there was one. */
  show: (deviceId: string) => boolean
  /** Removes a hidden device; returns the place that becomes free. */
  drop: (deviceId: string) => number | undefined
  /** Like `get`, hidden devices included: for what is stored. */
  getIncludingHidden: (deviceId: string) => DeviceState | undefined
  /** Every device in the order in which they were first heard or came back. */
  all: () => DeviceState[]
  /** Their names in the same order. */
  ids: () => MapIterator<string>
  size: () => number
  /** How often devices were hidden. */
  departures: () => number
  /** Counts changes: while it is the same, so is everything that `all` and `get` return. */
  revision: () => number
  /** Every device, in groups: a reader that looks for changes can skip whole groups. */
  groups: () => readonly Group[]
  find: (deviceId: string) => DeviceRecord | undefined
  /** Devices with a wrong clock, and how far it was ahead of the server's when that was noticed. */
  wrongClocks: () => { deviceId: string, aheadMs: number }[]
  /** Like `find`, hidden devices included. */
  findRecord: (deviceId: string) => DeviceRecord | undefined
}

interface EntryGroup { members: Entry[], revision: number }

class Entry extends CompactDeviceState implements DeviceRecord {
  bytes = 0
  revision = 0
  isHidden = false
  readonly place: number
  readonly group: EntryGroup

  constructor(device: DeviceState, place: number, group: EntryGroup) {
    super(device)
    this.place = place
    this.group = group
  }
}

const CHANGED: Outcome = { kind: 'changed' }
const HIDDEN: Outcome = { kind: 'hidden' }
const KNOWN: Outcome = { kind: 'known' }

export function createFleet(limits: FleetLimits): Fleet {
  const entries = new Map<string, Entry>()
  const hidden = new Map<string, Entry>()
  const freePlaces: number[] = []
  const groups: EntryGroup[] = []
  let heldBytes = 0
  let revision = 0
  let departures = 0

  const holding = (deviceId: string) => entries.get(deviceId) ?? hidden.get(deviceId)

  function touch(entry: Entry) {
    revision++
    entry.revision = entry.group.revision = revision
  }

  /** The result of changing a device to its next state. */
  function judge(next: DeviceState | undefined, held: Entry | undefined, bytes: number): Outcome {
    if (!next) return KNOWN
    if (!held && entries.size + hidden.size >= limits.devices) {
      return full('device-limit', `${limits.devices} devices are stored already; NUXT_LIMITS_DEVICES allows more.`)
    }
    const metrics = countKeys(next.values)
    if (metrics > limits.metricsPerMessage) {
      return full('metrics-too-many', `The device has sent more than ${limits.metricsPerMessage} different metrics.`)
    }
    const growth = growthOf(next, held, bytes)
    if (growth > 0 && heldBytes + growth > limits.fleetBytes) {
      return full('fleet-full', `The last values of all devices take up ${limits.fleetBytes} bytes already; NUXT_LIMITS_FLEET_BYTES allows more.`)
    }
    return held?.isHidden ? HIDDEN : CHANGED
  }

  /** Stores the next state of a device if the limits allow it. */
  function put(next: DeviceState | undefined, held: Entry | undefined, bytes: number): Outcome {
    const outcome = judge(next, held, bytes)
    if (!next || outcome.kind === 'known' || outcome.kind === 'full') return outcome
    const growth = growthOf(next, held, bytes)
    heldBytes += growth
    const entry = held ?? add(next)
    entry.set(next)
    entry.bytes += growth
    touch(entry)
    return outcome
  }

  function afterTelemetry(telemetry: Telemetry, held: Entry | undefined): DeviceState | undefined {
    return held ? held.afterTelemetry(telemetry) : withTelemetry(undefined, telemetry)
  }

  function afterStatus(change: DeviceStatusChange, held: Entry | undefined): DeviceState | undefined {
    if (held) return held.afterStatus(change)
    // Deleting the state of an unknown device changes nothing.
    return change.status === null ? undefined : withStatus(undefined, change)
  }

  function add(device: DeviceState): Entry {
    const place = freePlaces.pop() ?? entries.size + hidden.size
    const group = groups[Math.floor(place / GROUP_DEVICES)] ??= { members: [], revision }
    const entry = new Entry(device, place, group)
    group.members[place % GROUP_DEVICES] = entry
    entries.set(device.deviceId, entry)
    return entry
  }

  return {
    applyTelemetry(telemetry, bytes) {
      const held = holding(telemetry.deviceId)
      return put(afterTelemetry(telemetry, held), held, bytes)
    },
    applyStatus(change, bytes) {
      const held = holding(change.deviceId)
      return put(afterStatus(change, held), held, bytes)
    },
    judgeTelemetry(telemetry, bytes) {
      const held = holding(telemetry.deviceId)
      return judge(afterTelemetry(telemetry, held), held, bytes)
    },
    judgeStatus(change, bytes) {
      const held = holding(change.deviceId)
      return judge(afterStatus(change, held), held, bytes)
    },
    applyPresence(change) {
      const held = holding(change.deviceId)
      return held ? put(withPresence(held.device, change), held, 0) : KNOWN
    },
    restore(device, bytes) {
      if (!holding(device.deviceId)) put(device, undefined, bytes)
    },
    hide(deviceId) {
      const entry = entries.get(deviceId)
      if (!entry) return false
      entries.delete(deviceId)
      hidden.set(deviceId, entry)
      entry.isHidden = true
      departures++
      touch(entry)
      return true
    },
    show(deviceId) {
      const entry = hidden.get(deviceId)
      if (!entry) return false
      hidden.delete(deviceId)
      entries.set(deviceId, entry)
      entry.isHidden = false
      touch(entry)
      return true
    },
    drop(deviceId) {
      const entry = hidden.get(deviceId)
      if (!entry) return undefined
      hidden.delete(deviceId)
      heldBytes -= entry.bytes
      // It stays at its place until another device takes it, without its data.
      const { device } = entry
      const { ts, receivedAt } = device.lastTelemetry
      entry.set({ ...device, lastTelemetry: { deviceId, ts, receivedAt, metrics: {} }, values: {}, state: null })
      freePlaces.push(entry.place)
      return entry.place
    },
    getIncludingHidden: deviceId => holding(deviceId)?.device,
    get: deviceId => entries.get(deviceId)?.device,
    all: () => Array.from(entries.values(), entry => entry.device),
    ids: () => entries.keys(),
    size: () => entries.size,
    departures: () => departures,
    revision: () => revision,
    groups: () => groups,
    find: deviceId => entries.get(deviceId),
    findRecord: holding,
    wrongClocks: () => Array.from(entries).flatMap(([deviceId, entry]) => entry.hasWrongClock ? [{ deviceId, aheadMs: entry.clockAheadMs }] : []),
  }
}

/** New names add to the size, known ones replace their values. */
function growthOf(next: DeviceState, held: Entry | undefined, bytes: number): number {
  const addsNames = !held || countKeys(next.values) > held.metrics
  return addsNames ? bytes : Math.max(0, bytes - held.bytes)
}

function full(reason: RejectionReason, detail: string): Outcome {
  return { kind: 'full', reason, detail }
}
