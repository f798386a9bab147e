// Owns the seed's convention: `sensors/{deviceId}/telemetry` and `sensors/{deviceId}/state`. Promises one observation or
// one rejection with its reason for every message, whatever the bytes. Never keeps anything.
import { isUtf8 } from 'node:buffer'
import type { DeviceStatusChange } from '#shared/schemas/device'
import { StateMessageSchema } from '#shared/schemas/device'
import type { RejectionReason } from '#shared/schemas/rejection'
import { ZONE_MISSING } from '#shared/schemas/telemetry'
import type { Telemetry } from '#shared/schemas/telemetry'
import { isRecord } from '#shared/device/ordinary'
import { toMicroseconds } from '#shared/time/time'
import { NOT_JSON, parseJson } from './json'
import { checkMessage } from './ordinary'
import type { MessageFault } from './ordinary'

export interface SensorsLimits {
  payloadBytes: number
  metricsPerMessage: number
  nameLength: number
  valueLength: number
  clockToleranceSeconds: number
}

/** `deviceId` where the topic names one. */
export interface Refusal { kind: 'rejected', reason: RejectionReason, detail: string, deviceId?: string }
export type Observation
  /** `time` is its `ts` in microseconds since 1970. */
  = | { kind: 'telemetry', telemetry: Telemetry, time: number }
    | { kind: 'status', change: DeviceStatusChange }
    | Refusal

export interface IncomingMessage {
  topic: string
  payload: Buffer
  replayed: boolean
}

export interface Source {
  /** MQTT topic filters to subscribe to. */
  filters: readonly string[]
  /** @param receivedMs When it came, in milliseconds since 1970. */
  read: (message: IncomingMessage, receivedMs: number) => Observation
}

// `sensors/#` rather than the two topics: a device that publishes to the wrong one must be seen, not wondered about.
const FILTERS = ['sensors/#'] as const
const TOPIC = /^sensors\/([^/]*)\/(telemetry|state)$/
// eslint-disable-next-line no-control-regex
const CONTROL_CHARACTERS = /[\u0000-\u001F\u007F-\u009F]/
/** The same few topics and names come again and again: so many of them are looked at only once. */
const REMEMBERED = 20_000

interface Head { deviceId: string, kind: 'telemetry' | 'state' }
interface Context extends SensorsLimits { names: Set<string> }

export function createSensorsSource(limits: SensorsLimits): Source {
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
    read(message, receivedMs) {
      const head = headOf(message.topic)
      if (head.kind === 'rejected') return head
      const observation = readOf(head, message, receivedMs, context)
      return observation.kind === 'rejected' ? { ...observation, deviceId: head.deviceId } : observation
    },
  }
}

function readTopic(topic: string, limits: SensorsLimits): Head | Refusal {
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

function readText(payload: Buffer, limits: SensorsLimits): string | Refusal {
  if (payload.length > limits.payloadBytes) {
    return reject('payload-too-large', `The payload has ${payload.length} bytes; at most ${limits.payloadBytes} are read.`)
  }
  const text = payload.toString('utf8')
  // What cannot be decoded becomes this character; only then it is worth a look at the bytes.
  return text.includes('\uFFFD') && !isUtf8(payload) ? reject('not-utf8', 'The payload is not valid UTF-8.') : text
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

function readState({ deviceId, value, replayed, receivedMs }: Content, limits: SensorsLimits): Observation {
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

/** What is wrong with a deviceId or metric name, as a sentence. Names that every JavaScript object carries are refused. */
function faultInName(name: string, what: string, maxLength: number): string | undefined {
  if (name.length === 0) return `${what} is empty.`
  if (name.length > maxLength) return `${what} is longer than ${maxLength} characters.`
  if (CONTROL_CHARACTERS.test(name)) return `${what} holds control characters.`
  if (name in {}) return `${what} is ${quote(name)}, which is reserved.`
  if (name === '.' || name === '..') return `${what} is ${quote(name)}, which no address can hold.`
  return undefined
}

interface Judged { ts: string, time: number, receivedAt: string, claimed?: string }

/** Before this no device of today has measured anything: its clock is lost. 2015-01-01 in microseconds since 1970. */
const BELIEVED_FROM = 1_420_070_400_000_000

/** A time that lies too far ahead or before 2015 is not believed: the message counts at its receive time. `time` is that of `ts` in microseconds. */
function judgeTime(claimed: string | undefined, receivedMs: number, { clockToleranceSeconds }: SensorsLimits): Judged {
  const receivedAt = isoOf(receivedMs)
  const asReceived = { ts: receivedAt, time: receivedMs * 1_000, receivedAt }
  if (claimed === undefined) return asReceived
  const time = toMicroseconds(claimed)
  const believable = time >= BELIEVED_FROM && time <= (receivedMs + clockToleranceSeconds * 1_000) * 1_000
  return believable ? { ts: claimed, time, receivedAt } : { ...asReceived, claimed }
}

let lastMs = Number.NaN
let lastIso = ''

/** Messages of one millisecond share one text. */
function isoOf(ms: number): string {
  if (ms !== lastMs) {
    lastMs = ms
    lastIso = new Date(ms).toISOString()
  }
  return lastIso
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

function quote(name: string): string {
  return `“${name.slice(0, 64)}”`
}

function reject(reason: RejectionReason, detail: string): Refusal {
  return { kind: 'rejected', reason, detail }
}
