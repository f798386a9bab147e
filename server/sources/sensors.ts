// Owns the seed's convention: `sensors/{deviceId}/telemetry` and `sensors/{deviceId}/state`. Promises one observation or
// one rejection with its reason for every message, whatever the bytes. Never keeps anything.
import { isUtf8 } from 'node:buffer'
import type { DeviceStatusChange } from '#shared/schemas/device'
import { StateMessageSchema } from '#shared/schemas/device'
import type { RejectionReason } from '#shared/schemas/rejection'
import type { Telemetry } from '#shared/schemas/telemetry'
import { TelemetryMessageSchema } from '#shared/schemas/telemetry'

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
  = | { kind: 'telemetry', telemetry: Telemetry }
    | { kind: 'status', change: DeviceStatusChange }
    | Refusal

export interface IncomingMessage {
  topic: string
  payload: Buffer
  replayed: boolean
  receivedAt: Date
}

export interface Source {
  /** MQTT topic filters to subscribe to. */
  filters: readonly string[]
  read: (message: IncomingMessage) => Observation
}

// `sensors/#` rather than the two topics: a device that publishes to the wrong one must be seen, not wondered about.
const FILTERS = ['sensors/#'] as const
const TOPIC = /^sensors\/([^/]*)\/(telemetry|state)$/
// eslint-disable-next-line no-control-regex
const CONTROL_CHARACTERS = /[\u0000-\u001F\u007F-\u009F]/
const EARLIEST_BELIEVABLE_MS = 0
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
    read(message) {
      const head = headOf(message.topic)
      if (head.kind === 'rejected') return head
      const observation = readOf(head, message, context)
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

function readOf({ deviceId, kind }: Head, message: IncomingMessage, context: Context): Observation {
  if (message.payload.length === 0) return readEmpty(deviceId, kind, message)
  const json = readJson(message.payload, context)
  if ('kind' in json) return json
  return kind === 'telemetry' ? readTelemetry(deviceId, json.value, message, context) : readState(deviceId, json.value, message, context)
}

/** An empty payload deletes a retained message: for a state that means something, for telemetry it is no reading. */
function readEmpty(deviceId: string, kind: Head['kind'], { receivedAt }: IncomingMessage): Observation {
  if (kind !== 'state') return reject('payload-empty', 'The payload is empty.')
  const now = receivedAt.toISOString()
  return { kind: 'status', change: { deviceId, status: null, updatedAt: now, receivedAt: now } }
}

function readJson(payload: Buffer, limits: SensorsLimits): { value: object } | Refusal {
  if (payload.length > limits.payloadBytes) {
    return reject('payload-too-large', `The payload has ${payload.length} bytes; at most ${limits.payloadBytes} are read.`)
  }
  if (!isUtf8(payload)) return reject('not-utf8', 'The payload is not valid UTF-8.')
  let value: unknown
  try {
    value = JSON.parse(payload.toString('utf8'))
  }
  catch {
    return reject('not-json', 'The payload is not JSON.')
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return reject('not-an-object', 'The payload is JSON, but not an object such as {"metrics":{"tempC":21.3}}.')
  }
  return { value }
}

function readTelemetry(deviceId: string, value: object, message: IncomingMessage, limits: Context): Observation {
  const metrics: unknown = 'metrics' in value ? value.metrics : undefined
  if (typeof metrics !== 'object' || metrics === null || Array.isArray(metrics)) {
    return reject('metrics-missing', 'There is no "metrics" object with at least one value.')
  }
  const refusal = refuseNames(metrics, limits)
  if (refusal) return refusal

  const parsed = TelemetryMessageSchema.safeParse(value)
  if (!parsed.success) return refusalOf(parsed.error.issues[0]?.path ?? [])
  const { data } = parsed
  if (data.deviceId !== undefined && data.deviceId !== deviceId) {
    return reject('device-id-mismatch', 'The deviceId in the payload is not the one in the topic.')
  }
  for (const name in data.metrics) {
    const metric = data.metrics[name]
    if (typeof metric === 'string' && metric.length > limits.valueLength) {
      return reject('metric-value-too-long', `The text of metric ${quote(name)} is longer than ${limits.valueLength} characters.`)
    }
  }
  const { time, claimed, receivedAt } = judgeTime(data.ts, message.receivedAt, limits)
  const telemetry: Telemetry = { deviceId, ts: time, metrics: data.metrics, receivedAt }
  if (data.seq !== undefined) telemetry.seq = data.seq
  if (message.replayed) telemetry.replayed = true
  if (claimed !== undefined) telemetry.claimedTs = claimed
  return { kind: 'telemetry', telemetry }
}

function readState(deviceId: string, value: object, message: IncomingMessage, limits: SensorsLimits): Observation {
  const parsed = StateMessageSchema.safeParse(value)
  if (!parsed.success) {
    return parsed.error.issues.some(issue => issue.path[0] === 'status')
      ? reject('status-invalid', 'There is no "status" text.')
      : reject('ts-invalid', '"updated_at" is not a time in ISO 8601 with zone, such as 2025-11-02T12:00:00Z.')
  }
  const { status, updated_at } = parsed.data
  if (status.length > limits.valueLength) return reject('status-invalid', `The status is longer than ${limits.valueLength} characters.`)
  const { time, claimed, receivedAt } = judgeTime(updated_at, message.receivedAt, limits)
  return {
    kind: 'status',
    change: {
      deviceId,
      status,
      updatedAt: time,
      receivedAt,
      ...(message.replayed && { replayed: true }),
      ...(claimed && { claimedUpdatedAt: claimed }),
    },
  }
}

/** Counts and names are checked before anything is built from them. */
function refuseNames(metrics: object, limits: Context): Refusal | undefined {
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

/** A time that lies too far ahead (or before 1970) is not believed: the message counts at its receive time. */
function judgeTime(claimed: string | undefined, received: Date, limits: SensorsLimits) {
  const receivedAt = isoOf(received)
  if (claimed === undefined) return { time: receivedAt, receivedAt }
  const ms = Date.parse(claimed)
  const believable = ms >= EARLIEST_BELIEVABLE_MS && ms <= received.getTime() + limits.clockToleranceSeconds * 1000
  return believable ? { time: claimed, receivedAt } : { time: receivedAt, claimed, receivedAt }
}

let lastMs = Number.NaN
let lastIso = ''

/** Messages of one millisecond share one text. */
function isoOf(date: Date): string {
  const ms = date.getTime()
  if (ms !== lastMs) {
    lastMs = ms
    lastIso = date.toISOString()
  }
  return lastIso
}

function refusalOf(path: PropertyKey[]): Refusal {
  const [field, name] = path
  if (field === 'ts') return reject('ts-invalid', '"ts" is not a time in ISO 8601 with zone, such as 2025-11-02T12:00:00Z.')
  if (field === 'seq') return reject('seq-invalid', '"seq" is not a whole number from 0 up.')
  if (field === 'deviceId') return reject('device-id-mismatch', 'The deviceId in the payload is not a text.')
  return reject('metric-value-invalid', `Metric ${quote(String(name))} is not a finite number, a text, true or false.`)
}

function quote(name: string): string {
  return `“${name.slice(0, 64)}”`
}

function reject(reason: RejectionReason, detail: string): Refusal {
  return { kind: 'rejected', reason, detail }
}
