// Owns the seed's convention: `sensors/{deviceId}/telemetry` and `sensors/{deviceId}/state`. Promises one observation or
// one rejection with its reason for every message, whatever the bytes. Never keeps anything.
import { StateMessageSchema } from '#shared/schemas/device'
import { ZONE_MISSING } from '#shared/schemas/telemetry'
import type { Telemetry } from '#shared/schemas/telemetry'
import { isRecord } from '#shared/device/ordinary'
import { NOT_JSON, parseJson } from '../json'
import { faultInName, quote } from '../names'
import { reject } from '../source'
import type { IncomingMessage, Observation, Refusal, Source, SourceLimits } from '../source'
import { readText } from '../text'
import { isoOf, judgeTime } from '../time'
import { checkMessage } from './ordinary'
import type { MessageFault } from './ordinary'

// `sensors/#` rather than the two topics: a device that publishes to the wrong one must be seen, not wondered about.
const FILTERS = ['sensors/#'] as const
const ROOT = 'sensors/'
const TOPIC = /^sensors\/([^/]*)\/(telemetry|state)$/
/** The same few topics and names come again and again: so many of them are looked at only once. */
const REMEMBERED = 20_000

interface Head { deviceId: string, kind: 'telemetry' | 'state' }
interface Context extends SourceLimits { names: Set<string> }

export function createSensorsSource(limits: SourceLimits): Source {
  const heads = new Map<string, Head>()
  const context = { ...limits, names: new Set<string>() }

  function headOf(topic: string): Head | Refusal {
    const known = heads.get(topic)
    if (known) return known
    const head = readTopic(topic, limits)
    if (head.kind === 'rejected') return head
    if (heads.size >= REMEMBERED) heads.clear()
    heads.set(topic, head)
    return head
  }

  return {
    filters: FILTERS,
    owns: topic => topic.startsWith(ROOT),
    read(message, receivedMs) {
      const head = headOf(message.topic)
      if (head.kind === 'rejected') return [head]
      const observation = readOf(head, message, receivedMs, context)
      return [observation.kind === 'rejected' ? { ...observation, deviceId: head.deviceId } : observation]
    },
  }
}

function readTopic(topic: string, limits: SourceLimits): Head | Refusal {
  const match = TOPIC.exec(topic)
  if (!match) return reject('topic-unknown', 'The topic is neither sensors/{deviceId}/telemetry nor sensors/{deviceId}/state.')
  const [, deviceId = '', kind] = match
  const fault = faultInName(deviceId, 'The deviceId in the topic', limits.nameLength)
  if (fault) return reject('device-id-invalid', fault)
  return { deviceId, kind: kind === 'state' ? 'state' : 'telemetry' }
}

function readOf({ deviceId, kind }: Head, { payload, replayed }: IncomingMessage, receivedMs: number, context: Context): Observation {
  if (payload.length === 0) return readEmpty(deviceId, kind, receivedMs)
  const text = readText(payload, context)
  if (typeof text !== 'string') return text
  const value = parseJson(text)
  if (value === NOT_JSON) return reject('not-json', 'The payload is not JSON.')
  if (!isRecord(value)) return reject('not-an-object', 'The payload is JSON, but not an object such as {"metrics":{"tempC":21.3}}.')
  const read = kind === 'telemetry' ? readTelemetry : readState
  return read({ deviceId, value, text, replayed, receivedMs }, context)
}

/** An empty payload deletes a retained message: for a state that means something, for telemetry it is no reading. */
function readEmpty(deviceId: string, kind: Head['kind'], receivedMs: number): Observation {
  if (kind !== 'state') return reject('payload-empty', 'The payload is empty.')
  const now = isoOf(receivedMs)
  return { kind: 'status', change: { deviceId, status: null, updatedAt: now, receivedAt: now } }
}

/** A JSON object under a device's topic, and what it was parsed from. */
interface Content {
  deviceId: string
  value: Record<string, unknown>
  text: string
  replayed: boolean
  receivedMs: number
}

function readTelemetry({ deviceId, value, text, replayed, receivedMs }: Content, limits: Context): Observation {
  const { metrics } = value
  if (!isRecord(metrics)) return reject('metrics-missing', 'There is no "metrics" object with at least one value.')
  const refusal = refuseNames(metrics, limits)
  if (refusal) return refusal

  const checked = checkMessage(value, text)
  if ('fault' in checked) return refusalOf(checked.fault)
  const { data } = checked
  if (data.deviceId !== undefined && data.deviceId !== deviceId) {
    return reject('device-id-mismatch', 'The deviceId in the payload is not the one in the topic.')
  }
  for (const name in data.metrics) {
    const metric = data.metrics[name]
    if (typeof metric === 'string' && metric.length > limits.valueLength) {
      return reject('metric-value-too-long', `The text of metric ${quote(name)} is longer than ${limits.valueLength} characters.`)
    }
  }
  const { ts, time, claimed, receivedAt } = judgeTime(data.ts, receivedMs, limits)
  const telemetry: Telemetry = { deviceId, ts, metrics: data.metrics, receivedAt }
  if (data.seq !== undefined) telemetry.seq = data.seq
  if (replayed) telemetry.replayed = true
  if (claimed !== undefined) telemetry.claimedTs = claimed
  if (data.exact !== undefined) telemetry.exact = data.exact
  if (data.absent !== undefined) telemetry.absent = data.absent
  return { kind: 'telemetry', telemetry, time }
}

function readState({ deviceId, value, replayed, receivedMs }: Content, limits: SourceLimits): Observation {
  const parsed = StateMessageSchema.safeParse(value)
  if (!parsed.success) {
    const { issues } = parsed.error
    const isStatus = issues.some(issue => issue.path[0] === 'status')
    return isStatus ? reject('status-invalid', 'There is no "status" text.') : refuseTime('updated_at', issues[0]?.message)
  }
  const { status, updated_at } = parsed.data
  if (status.length > limits.valueLength) return reject('status-invalid', `The status is longer than ${limits.valueLength} characters.`)
  const { ts, claimed, receivedAt } = judgeTime(updated_at, receivedMs, limits)
  return {
    kind: 'status',
    change: {
      deviceId,
      status,
      updatedAt: ts,
      receivedAt,
      ...(replayed && { replayed: true }),
      ...(claimed && { claimedUpdatedAt: claimed }),
    },
  }
}

/** Counts and names are checked before anything is built from them. */
function refuseNames(metrics: Record<string, unknown>, limits: Context): Refusal | undefined {
  const names = Object.keys(metrics)
  if (names.length === 0) return reject('metrics-missing', '"metrics" is empty.')
  if (names.length > limits.metricsPerMessage) {
    return reject('metrics-too-many', `The message has ${names.length} metrics; at most ${limits.metricsPerMessage} are read.`)
  }
  for (const name of names) {
    if (limits.names.has(name)) continue
    const fault = faultInName(name, 'A metric name', limits.nameLength)
    if (fault) return reject('metric-name-invalid', fault)
    if (limits.names.size >= REMEMBERED) limits.names.clear()
    limits.names.add(name)
  }
  return undefined
}

/** @param fault What the schema says. */
function refuseTime(field: string, fault: string | undefined): Refusal {
  return fault === ZONE_MISSING
    ? reject('ts-invalid', `"${field}" has no time zone: Z or an offset such as +01:00 must follow the time.`)
    : reject('ts-invalid', `"${field}" is not a time in ISO 8601 with zone, such as 2025-11-02T12:00:00Z.`)
}

function refusalOf({ path: [field, name], message }: MessageFault): Refusal {
  if (field === undefined) {
    return reject('metric-value-invalid', 'The message is nested so deeply that its large whole numbers cannot be read.')
  }
  if (field === 'ts') return refuseTime('ts', message)
  if (field === 'seq') return reject('seq-invalid', `"seq" is not a whole number from 0 to ${Number.MAX_SAFE_INTEGER}.`)
  if (field === 'deviceId') return reject('device-id-mismatch', 'The deviceId in the payload is not a text.')
  const metric = quote(String(name))
  return reject('metric-value-invalid', `Metric ${metric} is not a finite number, a text, true, false or null.`)
}
