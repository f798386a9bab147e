import type { DeviceState, DeviceStatus, DeviceStatusChange, LatestValue, PresenceChange } from '#shared/schemas/device'
import type { Telemetry } from '#shared/schemas/telemetry'

/** Words of a state topic (or last will) that say "I am gone": no sign of life. */
const GONE = new Set(['offline', 'disconnected', 'lost', 'stopped'])

/** Whether a status such as a last will's `offline` says that the device is gone. */
export function saysGone(status: string): boolean {
  return GONE.has(status.toLowerCase())
}

/** A device is known by its state topic alone until it has sent telemetry. */
export function hasTelemetry(device: DeviceState): boolean {
  for (const _ in device.lastTelemetry.metrics) return true
  return device.lastTelemetry.absent !== undefined
}

/** What a message says of a metric: `null` that it has no value now, `undefined` nothing. */
export function valueIn({ metrics, absent }: Telemetry, name: string): LatestValue['value'] | undefined {
  return metrics[name] ?? (absent?.includes(name) ? null : undefined)
}

/** What a message says of a metric as its newest value. */
export function latestIn(telemetry: Telemetry, name: string, value: LatestValue['value']): LatestValue {
  return telemetry.exact?.includes(name) ? { value, ts: telemetry.ts, exact: true } : { value, ts: telemetry.ts }
}

const Z = 90

/** Orders two ISO timestamps whatever their zones; equal instants are not older. */
export function isOlder(a: string, b: string): boolean {
  // Two texts in UTC with equally many digits are ordered as texts: that saves parsing both, for every value of every message.
  const end = a.length - 1
  if (end === b.length - 1 && a.charCodeAt(end) === Z && b.charCodeAt(end) === Z) return a < b
  return Date.parse(a) < Date.parse(b)
}

/**
 * The device after a telemetry message; the argument stays as it was. Server and browser both use this, so that they
 * cannot disagree. What came last counts, whatever its time, unless it is marked as late. Returns the same object when a
 * replayed message brings nothing new.
 */
export function withTelemetry(device: DeviceState | undefined, telemetry: Telemetry): DeviceState {
  const held = device && hasTelemetry(device) ? device.lastTelemetry : undefined
  if (device && held && telemetry.replayed && !isNews(telemetry, held)) return device

  // What an undated replay filled in has no time to compare with: the first live message replaces it.
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

/** Whether a replayed message was said after what is held: not only by a clock of the device, which may have been set back. */
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

/** What was said of the presence of one device, for another state of it that is being made. */
export function copyPresence(from: { [K in PresenceField]?: DeviceState[K] | undefined }, to: DeviceState) {
  if (from.presence !== undefined) to.presence = from.presence
  if (from.presenceSince !== undefined) to.presenceSince = from.presenceSince
  if (from.intervalSeconds !== undefined) to.intervalSeconds = from.intervalSeconds
  if (from.silentAfterSeconds !== undefined) to.silentAfterSeconds = from.silentAfterSeconds
}

/**
 * The device after a word on its state topic; the argument stays as it was. The order is that of arrival: a last will is
 * written when the device connects, and so is older than what it said since. A replayed word that is known already
 * returns the same object.
 */
export function withStatus(device: DeviceState | undefined, change: DeviceStatusChange): DeviceState {
  const base = device ?? knownByStatusOnly(change)
  const held = base.state
  const { deviceId: _, status, ...times } = change
  if (status === null) return { ...base, state: null }

  const next: DeviceStatus = { status, ...times }
  if (device && held && next.replayed && isSameWord(held, next)) return device
  return {
    ...base,
    lastSeen: seenLastByStatus(base.lastSeen, next),
    state: next,
    clock: next.claimedUpdatedAt !== undefined || next.clock ? 'wrong' : base.clock,
  }
}

/** The device after a change of its presence; the argument stays as it was. */
export function withPresence(device: DeviceState, { deviceId: _, since, ...rest }: PresenceChange): DeviceState {
  const { intervalSeconds: __, silentAfterSeconds: ___, ...next } = device
  copyPresence({ ...rest, presenceSince: since }, next)
  return next
}

/** What was said last of the presence of a device. */
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

/** When the device itself was heard last: at the receipt, or for a replayed message at the time it carries. */
function seenLast(before: string | null, telemetry: Telemetry): string | null {
  if (!telemetry.replayed) return telemetry.receivedAt
  return isUndated(telemetry) ? before : later(before, telemetry.ts)
}

/** A last will is published by the broker: it is no sign of life. */
function seenLastByStatus(before: string | null, { status, replayed, receivedAt, updatedAt, claimedUpdatedAt }: DeviceStatus): string | null {
  if (saysGone(status)) return before
  if (!replayed) return receivedAt
  return claimedUpdatedAt ? before : later(before, updatedAt)
}

/** The message carried no time of its own, or none to be believed. */
export function isUndated(telemetry: Telemetry): boolean {
  return telemetry.claimedTs !== undefined || telemetry.ts === telemetry.receivedAt
}

function isUndatedReplay(telemetry: Telemetry): boolean {
  return telemetry.replayed === true && isUndated(telemetry)
}

function isSameWord(a: DeviceStatus, b: DeviceStatus): boolean {
  return a.status === b.status && (a.claimedUpdatedAt ?? a.updatedAt) === (b.claimedUpdatedAt ?? b.updatedAt)
}

/** Whether a message that goes by its time leaves what was measured at `heldTs`. Late data without a time of its own leaves everything. */
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
    const isKept = value === undefined || (!replaceAll && yieldsTo(held.ts, telemetry))
    merged[name] = isKept ? held : latestIn(telemetry, name, value)
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
