import type { DeviceState, DeviceStatusChange, PresenceChange } from '#shared/schemas/device'
import type { Telemetry } from '#shared/schemas/telemetry'
import { doorOf } from '#shared/device/device-status'
import type { Door } from '#shared/device/device-status'
import { withPresence, withStatus, withTelemetry } from '#shared/device/device-state'

/** A device in the pages: its state, its status, and its recent changes. */
export interface FleetEntry {
  readonly device: DeviceState
  readonly door: Door | null
  /** When the device was last heard, by the server's clock. */
  readonly heardAtMs: number | null
  /** When a value or the status last changed, by the server's clock; 0 when not since the snapshot. */
  readonly changedAtMs: number
  /**
   * The same for each metric, but only for changes that are news: a metric that changes all the time stays at its
   * first change.
   */
  readonly changes: ReadonlyMap<string, number>
  /** When each metric last changed at all. */
  readonly lastChanges: ReadonlyMap<string, number>
  readonly statusChangedAtMs: number
}

const UNCHANGED: ReadonlyMap<string, number> = new Map()
/**
 * A change is news when there was none for this long before it; marking every value every second would be useless and
 * expensive.
 */
const SETTLED_MS = 4_000

/** A device from the snapshot: nothing has just changed. */
export function toFleetEntry(device: DeviceState): FleetEntry {
  return {
    device,
    door: doorOf(device),
    heardAtMs: device.lastSeen === null ? null : Date.parse(device.lastSeen),
    changedAtMs: 0,
    changes: UNCHANGED,
    lastChanges: UNCHANGED,
    statusChangedAtMs: 0,
  }
}

/** After changes of these metrics. */
function withChanges(entry: FleetEntry | undefined, names: readonly string[], nowMs: number): Pick<FleetEntry, 'changes' | 'lastChanges'> {
  const { changes = UNCHANGED, lastChanges = UNCHANGED } = entry ?? {}
  if (names.length === 0) return { changes, lastChanges }
  const news = names.filter(name => nowMs - (lastChanges.get(name) ?? 0) >= SETTLED_MS)
  return {
    changes: news.length === 0 ? changes : new Map([...changes, ...news.map(name => [name, nowMs] as const)]),
    lastChanges: new Map([...lastChanges, ...names.map(name => [name, nowMs] as const)]),
  }
}

/** The entry after a telemetry message; the same object when it brings nothing new. */
export function entryWithTelemetry(entry: FleetEntry | undefined, telemetry: Telemetry, nowMs: number): FleetEntry {
  const device = withTelemetry(entry?.device, telemetry)
  if (entry && device === entry.device) return entry

  const changed = [...Object.keys(telemetry.metrics), ...telemetry.absent ?? []].filter((name) => {
    const [before, after] = [entry?.device.values[name], device.values[name]]
    return after !== undefined && before?.value !== after.value
  })
  return {
    ...toFleetEntry(device),
    ...withChanges(entry, changed, nowMs),
    changedAtMs: changed.length > 0 ? nowMs : entry?.changedAtMs ?? nowMs,
    statusChangedAtMs: entry?.statusChangedAtMs ?? 0,
  }
}

/** The entry after a word on the device's state topic. */
export function entryWithStatus(entry: FleetEntry | undefined, change: DeviceStatusChange, nowMs: number): FleetEntry {
  const device = withStatus(entry?.device, change)
  if (entry && device === entry.device) return entry

  const isOther = entry?.device.state?.status !== device.state?.status
  return {
    ...toFleetEntry(device),
    ...withChanges(entry, [], nowMs),
    changedAtMs: isOther ? nowMs : entry?.changedAtMs ?? 0,
    statusChangedAtMs: isOther ? nowMs : entry?.statusChangedAtMs ?? 0,
  }
}

/** The entry after a change of presence: no value has changed. */
export function entryWithPresence(entry: FleetEntry, change: PresenceChange): FleetEntry {
  return { ...entry, device: withPresence(entry.device, change) }
}

/** The entry after a whole state, as it comes when single events were left out. */
export function entryWithState(entry: FleetEntry | undefined, device: DeviceState, nowMs: number): FleetEntry {
  if (!entry) return { ...toFleetEntry(device), changedAtMs: nowMs }
  const changed = Object.keys(device.values).filter(name => entry.device.values[name]?.value !== device.values[name]?.value)
  const isOther = entry.device.state?.status !== device.state?.status
  return {
    ...toFleetEntry(device),
    ...withChanges(entry, changed, nowMs),
    changedAtMs: changed.length > 0 || isOther ? nowMs : entry.changedAtMs,
    statusChangedAtMs: isOther ? nowMs : entry.statusChangedAtMs,
  }
}
