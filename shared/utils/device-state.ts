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
  return false
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
 * cannot disagree. Returns the same object when a replayed message brings nothing new.
 */
export function withTelemetry(device: DeviceState | undefined, telemetry: Telemetry): DeviceState {
  const held = device && hasTelemetry(device) ? device.lastTelemetry : undefined
  if (device && held && telemetry.replayed && (isUndated(telemetry) || !isOlder(held.ts, telemetry.ts))) return device

  // What an undated replay filled in has no time to compare with: the first live message replaces it.
  const filled = held !== undefined && isUndatedReplay(held)
  const older = held !== undefined && !filled && isOlder(telemetry.ts, held.ts)
  const next: DeviceState = {
    deviceId: telemetry.deviceId,
    lastSeen: later(device?.lastSeen ?? null, signOfLife(telemetry)),
    lastTelemetry: held && older ? held : telemetry,
    values: newest(device?.values ?? {}, telemetry, filled),
    state: device?.state ?? null,
    clock: telemetry.claimedTs ? 'wrong' : isUndated(telemetry) ? device?.clock ?? 'ok' : 'ok',
  }
  if (device) copyPresence(device, next)
  return next
}

/** What was said of the presence of one device, for another state of it that is being made. */
export function copyPresence(from: { [K in 'presence' | 'presenceSince' | 'intervalSeconds']?: DeviceState[K] | undefined }, to: DeviceState) {
  if (from.presence !== undefined) to.presence = from.presence
  if (from.presenceSince !== undefined) to.presenceSince = from.presenceSince
  if (from.intervalSeconds !== undefined) to.intervalSeconds = from.intervalSeconds
}

/**
 * The device after a word on its state topic; the argument stays as it was. An older word does not replace a newer
 * one, and a replayed one that is already known returns the same object.
 */
export function withStatus(device: DeviceState | undefined, change: DeviceStatusChange): DeviceState {
  const base = device ?? knownByStatusOnly(change)
  const held = base.state
  const { deviceId: _, status, ...times } = change
  if (status === null) return { ...base, state: null }

  const next: DeviceStatus = { status, ...times }
  if (device && held && next.replayed && (isSameWord(held, next) || isOlder(next.updatedAt, held.updatedAt))) return device
  return {
    ...base,
    lastSeen: later(base.lastSeen, signOfLifeInStatus(next)),
    state: held && isOlder(next.updatedAt, held.updatedAt) ? held : next,
    clock: next.claimedUpdatedAt ? 'wrong' : base.clock,
  }
}

/** The device after a change of its presence; the argument stays as it was. */
export function withPresence(device: DeviceState, { presence, since, intervalSeconds }: PresenceChange): DeviceState {
  const { intervalSeconds: _, ...rest } = device
  return { ...rest, presence, presenceSince: since, ...(intervalSeconds !== undefined && { intervalSeconds }) }
}

function knownByStatusOnly({ deviceId, updatedAt, receivedAt }: DeviceStatusChange): DeviceState {
  const lastTelemetry = { deviceId, ts: updatedAt, receivedAt, metrics: {} }
  return { deviceId, lastSeen: null, lastTelemetry, values: {}, state: null, clock: 'ok' }
}

/** When the device itself must have been alive: receipt, or for a replayed message the time it carries. */
function signOfLife(telemetry: Telemetry): string | null {
  if (!telemetry.replayed) return telemetry.receivedAt
  return isUndated(telemetry) ? null : telemetry.ts
}

/** A last will is published by the broker: it is no sign of life. */
function signOfLifeInStatus(status: DeviceStatus): string | null {
  if (saysGone(status.status)) return null
  if (!status.replayed) return status.receivedAt
  return status.claimedUpdatedAt ? null : status.updatedAt
}

/** The message carried no time of its own, or none to be believed. */
function isUndated(telemetry: Telemetry): boolean {
  return telemetry.claimedTs !== undefined || telemetry.ts === telemetry.receivedAt
}

function isUndatedReplay(telemetry: Telemetry): boolean {
  return telemetry.replayed === true && isUndated(telemetry)
}

function isSameWord(a: DeviceStatus, b: DeviceStatus): boolean {
  return a.status === b.status && (a.claimedUpdatedAt ?? a.updatedAt) === (b.claimedUpdatedAt ?? b.updatedAt)
}

function newest(values: DeviceState['values'], { metrics, ts }: Telemetry, replaceAll: boolean): DeviceState['values'] {
  const merged: Record<string, LatestValue> = {}
  for (const name in values) {
    const held = values[name]
    const value = metrics[name]
    if (!held) continue
    merged[name] = value === undefined || (!replaceAll && isOlder(ts, held.ts)) ? held : { value, ts }
  }
  for (const name in metrics) {
    const value = metrics[name]
    if (value !== undefined && !merged[name]) merged[name] = { value, ts }
  }
  return merged
}

function later(a: string | null, b: string | null): string | null {
  if (a === null || b === null) return a ?? b
  return isOlder(a, b) ? b : a
}
