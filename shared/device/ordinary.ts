// Whether data is certainly valid for a schema and unchanged by it. Nearly all data is, and running the schema costs
// many times as much, above all in pages where it may not compile code. The schema decides the others; tests compare
// both.
import { z } from 'zod'
import { PresenceSchema } from '#shared/schemas/device'
import type { DeviceState } from '#shared/schemas/device'
import { MAX_EVENT_ID_LENGTH } from '#shared/schemas/events'
import type { StreamEvent } from '#shared/schemas/events'
import type { Telemetry } from '#shared/schemas/telemetry'

const ISO_TIME = z.core.regexes.datetime({ offset: true })
const PRESENCES: ReadonlySet<unknown> = new Set(PresenceSchema.options)

/** An object such as JSON's `{}`. */
export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

let lastTime = ''

export function isOrdinaryTime(value: unknown): boolean {
  // The times of one message are mostly equal.
  if (value === lastTime && lastTime !== '') return true
  if (typeof value !== 'string' || !ISO_TIME.test(value)) return false
  lastTime = value
  return true
}

export function isOrdinaryCount(value: unknown): boolean {
  return Number.isSafeInteger(value) && Number(value) >= 0
}

/** @param largest The largest allowed absolute value. */
export function isOrdinaryMetrics(metrics: unknown, largest = Number.MAX_VALUE): boolean {
  if (!isRecord(metrics)) return false
  for (const name in metrics) {
    if (!isOrdinaryValue(metrics[name], largest)) return false
  }
  return true
}

function isOrdinaryValue(value: unknown, largest = Number.MAX_VALUE): boolean {
  if (typeof value === 'number') return value <= largest && value >= -largest
  return typeof value === 'string' || typeof value === 'boolean'
}

function isOrdinaryNames(value: unknown): boolean {
  return Array.isArray(value) && value.every(name => typeof name === 'string')
}

/** An event with devices or their messages, as most are. */
export function isOrdinaryEvent(value: unknown): value is StreamEvent {
  if (!isRecord(value) || !hasOnly(value, isOrdinaryPart)) return false
  switch (value.type) {
    case 'telemetry': return isOrdinaryTelemetry(value.data)
    case 'batch': return Array.isArray(value.data) && value.data.every(isOrdinaryTelemetry)
    case 'snapshot':
    case 'states': return Array.isArray(value.data) && value.data.every(isOrdinaryState)
    default: return false
  }
}

function isOrdinaryPart(key: string, value: unknown): boolean {
  return key === 'type' || key === 'data' || (key === 'id' && typeof value === 'string' && value.length <= MAX_EVENT_ID_LENGTH)
}

function isOrdinaryTelemetry(value: unknown): value is Telemetry {
  return isRecord(value) && hasOnly(value, isOrdinaryOfTelemetry)
    && value.deviceId !== undefined && value.ts !== undefined && value.metrics !== undefined && value.receivedAt !== undefined
}

function isOrdinaryOfTelemetry(key: string, value: unknown): boolean {
  switch (key) {
    case 'deviceId': return typeof value === 'string'
    case 'ts':
    case 'receivedAt':
    case 'claimedTs': return isOrdinaryTime(value)
    case 'metrics': return isOrdinaryMetrics(value)
    case 'seq': return isOrdinaryCount(value)
    case 'replayed': return value === true
    case 'late': return typeof value === 'boolean'
    case 'clock': return value === 'wrong'
    case 'exact':
    case 'absent': return isOrdinaryNames(value)
    default: return false
  }
}

function isOrdinaryState(value: unknown): value is DeviceState {
  return isRecord(value) && hasOnly(value, isOrdinaryOfState)
    && value.deviceId !== undefined && value.lastSeen !== undefined && value.lastTelemetry !== undefined && value.values !== undefined
    && value.state !== undefined && value.clock !== undefined
}

function isOrdinaryOfState(key: string, value: unknown): boolean {
  switch (key) {
    case 'deviceId': return typeof value === 'string'
    case 'lastSeen': return value === null || isOrdinaryTime(value)
    case 'lastTelemetry': return isOrdinaryTelemetry(value)
    case 'values': return isRecord(value) && hasOnly(value, isOrdinaryLatest)
    case 'state': return value === null || isOrdinaryStatus(value)
    case 'clock': return value === 'ok' || value === 'wrong'
    case 'presence': return PRESENCES.has(value)
    case 'presenceSince': return isOrdinaryTime(value)
    case 'intervalSeconds':
    case 'silentAfterSeconds': return typeof value === 'number' && Number.isFinite(value) && value > 0
    default: return false
  }
}

function isOrdinaryLatest(_name: string, latest: unknown): boolean {
  return isRecord(latest) && hasOnly(latest, isOrdinaryOfLatest) && latest.value !== undefined && latest.ts !== undefined
}

function isOrdinaryOfLatest(key: string, value: unknown): boolean {
  switch (key) {
    case 'value': return value === null || isOrdinaryValue(value)
    case 'ts': return isOrdinaryTime(value)
    case 'exact': return value === true
    default: return false
  }
}

function isOrdinaryStatus(status: unknown): boolean {
  return isRecord(status) && hasOnly(status, isOrdinaryOfStatus) && status.status !== undefined && status.updatedAt !== undefined && status.receivedAt !== undefined
}

function isOrdinaryOfStatus(key: string, value: unknown): boolean {
  switch (key) {
    case 'status': return typeof value === 'string'
    case 'updatedAt':
    case 'receivedAt':
    case 'claimedUpdatedAt': return isOrdinaryTime(value)
    case 'replayed': return value === true
    case 'clock': return value === 'wrong'
    default: return false
  }
}

function hasOnly(record: Record<string, unknown>, isFine: (key: string, value: unknown) => boolean): boolean {
  for (const key in record) {
    if (!isFine(key, record[key])) return false
  }
  return true
}
