import type { DeviceState, DeviceStatus, DeviceStatusChange, LatestValue, PresenceChange } from '#shared/schemas/device'
import type { Telemetry } from '#shared/schemas/telemetry'

/** Words of a state topic (or last will) that sign a device off: no sign of life. */
const GONE = new Set(['offline', 'disconnected', 'lost', 'stopped'])

/** Whether a status such as a last will's `offline` signs the device off. */
export function saysGone(status: string): boolean {
  return GONE.has(status.toLowerCase())
}

/** A device with only a state topic, until it has sent telemetry. */
export function hasTelemetry(device: DeviceState): boolean {
  for (const _ in device.lastTelemetry.metrics) return true
  return device.lastTelemetry.absent !== undefined
}

/** The value of a metric in a message: `null` without a value now, `undefined` if it is not mentioned. */
export function valueIn({ metrics, absent }: Telemetry, name: string): LatestValue['value'] | undefined {
  return metrics[name] ?? (absent?.includes(name) ? null : undefined)
}

/** The same as the metric's newest value. */
export function latestIn(telemetry: Telemetry, name: string, value: LatestValue['value']): LatestValue {
  return telemetry.exact?.includes(name) ? { value, ts: telemetry.ts, exact: true } : { value, ts: telemetry.ts }
}

const Z = 90

/** Orders two ISO timestamps in any zones; equal instants are not older. */
export function isOlder(a: string, b: string): boolean {
  // Two texts in UTC with equally many digits are ordered as texts: that saves parsing both, for every value of every
  // message.
  const end = a.length - 1
  if (end === b.length - 1 && a.charCodeAt(end) === Z && b.charCodeAt(end) === Z) return a < b
  return Date.parse(a) < Date.parse(b)
}

/**
 * The device after a telemetry message; the argument is unchanged. Server and browser both use this, so they always
 * agree. The last message counts, whatever its time, unless it is marked as late. Returns the same object when a
 * replayed message brings nothing new.
 */
export function withTelemetry(device: DeviceState | undefined, telemetry: Telemetry): DeviceState {
  const held = device && hasTelemetry(device) ? device.lastTelemetry : undefined
  if (device && held && telemetry.replayed && !isNews(telemetry, held)) return device

  // Values of an undated replay have no comparable time: the first live message replaces them.
  const filled = held !== undefined && isUndatedReplay(held)
  const replacesAll = filled || !goesByTime(telemetry)
  const older = held !== undefined && !replacesAll && yieldsTo(held.ts, telemetry)
  const next: DeviceState = {
    deviceId: telemetry.deviceId,
    lastSeen: seenLast(device?.lastSeen ?? null, telemetry),
    lastTelemetry: held && older ? held : telemetry,
    values: newest(device?.values ?? {}, telemetry, replacesAll),
    state: device?.state ?? null,
    clock: clockAfter(telemetry, device?.clock ?? 'ok'),
  }
  if (device) copyPresence(device, next)
  return next
}

/**
 * Whether a replayed message is newer than the present one: not only by the device's clock, which may have been set
 * back.
 */
function isNews(replayed: Telemetry, held: Telemetry): boolean {
  return !isUndated(replayed) && isOlder(held.ts, replayed.ts) && (held.replayed === true || isOlder(held.receivedAt, replayed.ts))
}

/** Whether a message replaces only what was measured before it. */
export function goesByTime({ late, replayed }: Telemetry): boolean {
  return late === true || replayed === true
}

function clockAfter(telemetry: Telemetry, before: DeviceState['clock']): DeviceState['clock'] {
  if (telemetry.claimedTs !== undefined || telemetry.clock) return 'wrong'
  return isUndated(telemetry) || telemetry.late ? before : 'ok'
}

type PresenceField = 'presence' | 'presenceSince' | 'intervalSeconds' | 'silentAfterSeconds'

/** The presence fields of a device, for a new state of it. */
export function copyPresence(from: { [K in PresenceField]?: DeviceState[K] | undefined }, to: DeviceState) {
  if (from.presence !== undefined) to.presence = from.presence
  if (from.presenceSince !== undefined) to.presenceSince = from.presenceSince
  if (from.intervalSeconds !== undefined) to.intervalSeconds = from.intervalSeconds
  if (from.silentAfterSeconds !== undefined) to.silentAfterSeconds = from.silentAfterSeconds
}

/**
 * The device after a message on its state topic; the argument is unchanged. The order is that of arrival: a last will
 * is written when the device connects, so it is older than later messages. A known replayed message returns the same
 * object.
 */
export function withStatus(device: DeviceState | undefined, change: DeviceStatusChange): DeviceState {
  const base = device ?? knownByStatusOnly(change)
  const held = base.state
  const { deviceId: _, status, ...times } = change
  if (status === null) return { ...base, state: null }

  const next: DeviceStatus = { status, ...times }
  if (device && held && next.replayed && isSameStatus(held, next)) return device
  return {
    ...base,
    lastSeen: seenLastByStatus(base.lastSeen, next),
    state: next,
    clock: next.claimedUpdatedAt !== undefined || next.clock ? 'wrong' : base.clock,
  }
}

/** The device after a change of its presence; the argument is unchanged. */
export function withPresence(device: DeviceState, { deviceId: _, since, ...rest }: PresenceChange): DeviceState {
  const { intervalSeconds: __, silentAfterSeconds: ___, ...next } = device
  copyPresence({ ...rest, presenceSince: since }, next)
  return next
}

/** The last reported presence of a device. */
export function presenceChangeOf({ deviceId, presence, presenceSince: since, intervalSeconds, silentAfterSeconds }: DeviceState): PresenceChange | undefined {
  if (!presence || !since) return undefined
  return {
    deviceId,
    presence,
    since,
    ...(intervalSeconds !== undefined && { intervalSeconds }),
    ...(silentAfterSeconds !== undefined && { silentAfterSeconds }),
  }
}

function knownByStatusOnly({ deviceId, updatedAt, receivedAt }: DeviceStatusChange): DeviceState {
  const lastTelemetry = { deviceId, ts: updatedAt, receivedAt, metrics: {} }
  return { deviceId, lastSeen: null, lastTelemetry, values: {}, state: null, clock: 'ok' }
}

/** When the device itself was last heard: at the receipt, or for a replayed message at its own time. */
function seenLast(before: string | null, telemetry: Telemetry): string | null {
  if (!telemetry.replayed) return telemetry.receivedAt
  return isUndated(telemetry) ? before : later(before, telemetry.ts)
}

/** The broker publishes a last will: it is no sign of life. */
function seenLastByStatus(before: string | null, { status, replayed, receivedAt, updatedAt, claimedUpdatedAt }: DeviceStatus): string | null {
  if (saysGone(status)) return before
  if (!replayed) return receivedAt
  return claimedUpdatedAt ? before : later(before, updatedAt)
}

/** The message had no time of its own, or an impossible one. */
export function isUndated(telemetry: Telemetry): boolean {
  return telemetry.claimedTs !== undefined || telemetry.ts === telemetry.receivedAt
}

function isUndatedReplay(telemetry: Telemetry): boolean {
  return telemetry.replayed === true && isUndated(telemetry)
}

function isSameStatus(a: DeviceStatus, b: DeviceStatus): boolean {
  return a.status === b.status && (a.claimedUpdatedAt ?? a.updatedAt) === (b.claimedUpdatedAt ?? b.updatedAt)
}

/**
 * Whether a message does not replace a value measured at `heldTs`, by its own time. Late data without a time replaces
 * nothing.
 */
function yieldsTo(heldTs: string, telemetry: Telemetry): boolean {
  return (telemetry.late === true && isUndated(telemetry)) || isOlder(telemetry.ts, heldTs)
}

function newest(values: DeviceState['values'], telemetry: Telemetry, replaceAll: boolean): DeviceState['values'] {
  const { metrics, absent, ts } = telemetry
  const merged: Record<string, LatestValue> = {}
  for (const name in values) {
    const held = values[name]
    const value = valueIn(telemetry, name)
    if (!held) continue
    const isUnchanged = value === undefined || (!replaceAll && yieldsTo(held.ts, telemetry))
    merged[name] = isUnchanged ? held : latestIn(telemetry, name, value)
  }
  for (const name in metrics) {
    const value = metrics[name]
    if (value !== undefined && !merged[name]) merged[name] = latestIn(telemetry, name, value)
  }
  for (const name of absent ?? []) merged[name] ??= { value: null, ts }
  return merged
}

function later(a: string | null, b: string): string {
  return a === null || isOlder(a, b) ? b : a
}
