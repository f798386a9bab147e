// Owns the last known state of every device. Promises that the states it hands out never change afterwards, and that it
// grows no further than its limits. Never knows where a message came from or who reads it.
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

/** `changed`: worth telling. `hidden`: worth keeping, and to be told to nobody. `known`: a replay that brought nothing new. `full`: a limit was reached. */
export type Outcome
  = | { kind: 'changed' }
    | { kind: 'hidden' }
    | { kind: 'known' }
    | { kind: 'full', reason: RejectionReason, detail: string }

/** A device as it stands now: unlike the state it holds, this follows the device. For this room only. */
export interface DeviceRecord {
  /** The last message of the device, and the last word on its state topic: cheaper than `device`. */
  readonly lastTelemetry: Telemetry
  readonly lastStatus: DeviceState['state']
  readonly intervalSeconds?: number | undefined
  readonly silentAfterSeconds?: number | undefined
  /** How many different metrics it has. */
  readonly metrics: number
  /** Made when it is asked for. */
  readonly device: DeviceState
  /** The {@link Fleet.revision} that made `device` what it is; no two devices share one. */
  readonly revision: number
  /** Its place among all; free for another device once this one is dropped. */
  readonly place: number
  /** It is kept, but for whoever asks it is not there. */
  readonly isHidden: boolean
}

/** Devices whose places are next to each other, hidden ones among them: all groups but the last hold {@link GROUP_DEVICES}. */
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
  /** What {@link Fleet.applyTelemetry} would answer now; nothing changes. */
  judgeTelemetry: (telemetry: Telemetry, bytes: number) => Outcome
  judgeStatus: (change: DeviceStatusChange, bytes: number) => Outcome
  /** Takes a device as it was kept; replaces nothing that is newer. */
  restore: (device: DeviceState, bytes: number) => void
  get: (deviceId: string) => DeviceState | undefined
  /** From now on a device is not there for whoever asks, but goes on being kept; whether it was there. */
  hide: (deviceId: string) => boolean
  /** Brings back a hidden device as it is now; whether there was one. */
  show: (deviceId: string) => boolean
  /** The end of a hidden device; the place that it leaves. */
  drop: (deviceId: string) => number | undefined
  /** Like `get`, hidden devices included: what is to be kept of it. */
  kept: (deviceId: string) => DeviceState | undefined
  /** Every device, sorted by nothing in particular: in the order they were first heard, or came back. */
  all: () => DeviceState[]
  /** Their names in the same order. */
  ids: () => MapIterator<string>
  size: () => number
  /** Counts the devices that were hidden. */
  departures: () => number
  /** Counts the changes: as long as it stays the same, so does everything that `all` and `get` hand out. */
  revision: () => number
  /** Every device, grouped so that whoever looks for changes need not look at each. */
  groups: () => readonly Group[]
  find: (deviceId: string) => DeviceRecord | undefined
  /** Devices whose clock is wrong, and how far ahead of the server's it was when that was found. */
  wrongClocks: () => { deviceId: string, aheadMs: number }[]
  /** Like `find`, hidden devices included. */
  findKept: (deviceId: string) => DeviceRecord | undefined
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

  /** What taking the next state of a device would come to. */
  function judge(next: DeviceState | undefined, held: Entry | undefined, bytes: number): Outcome {
    if (!next) return KNOWN
    if (!held && entries.size + hidden.size >= limits.devices) {
      return full('device-limit', `${limits.devices} devices are kept already; NUXT_LIMITS_DEVICES allows more.`)
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

  /** Takes the next state of a device if the limits allow it. */
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
    // Deleting the state of a device nobody knows is no news.
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
      // It stays at its place until another device takes it: as little of it as there can be.
      const { device } = entry
      const { ts, receivedAt } = device.lastTelemetry
      entry.set({ ...device, lastTelemetry: { deviceId, ts, receivedAt, metrics: {} }, values: {}, state: null })
      freePlaces.push(entry.place)
      return entry.place
    },
    kept: deviceId => holding(deviceId)?.device,
    get: deviceId => entries.get(deviceId)?.device,
    all: () => Array.from(entries.values(), entry => entry.device),
    ids: () => entries.keys(),
    size: () => entries.size,
    departures: () => departures,
    revision: () => revision,
    groups: () => groups,
    find: deviceId => entries.get(deviceId),
    findKept: holding,
    wrongClocks: () => Array.from(entries).flatMap(([deviceId, entry]) => entry.hasWrongClock ? [{ deviceId, aheadMs: entry.clockAheadMs }] : []),
  }
}

/** New names add to what is held, known ones replace it. */
function growthOf(next: DeviceState, held: Entry | undefined, bytes: number): number {
  const addsNames = !held || countKeys(next.values) > held.metrics
  return addsNames ? bytes : Math.max(0, bytes - held.bytes)
}

function full(reason: RejectionReason, detail: string): Outcome {
  return { kind: 'full', reason, detail }
}
