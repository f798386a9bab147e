// Owns what Tasmota 14 and 15 publish under its default topics: `tele/{topic}/SENSOR` and `tele/{topic}/LWT`. Promises the numbers of a
// sensor message, named by their path, and whether the device is there. Never believes a device's `Time`: it has no zone.
import { isRecord } from '#shared/device/ordinary'
import { NOT_JSON, parseJson } from '../json'
import { faultInName, quote } from '../names'
import { reject } from '../source'
import type { IncomingMessage, Observation, Refusal, Source, SourceLimits } from '../source'
import { readText } from '../text'
import { judgeTime } from '../time'

const FILTERS = ['tele/+/SENSOR', 'tele/+/LWT'] as const
const TOPIC = /^tele\/([^/]+)\/(SENSOR|LWT)$/
/** Serial numbers and indexes: no readings. */
const IDS = new Set(['Id', 'id'])
/** Sensors stand one below the other: `ENERGY.Power`, `SPI.0.Value`. */
const MAX_DEPTH = 4
const STATUS: Record<string, string | null> = { 'Online': 'online', 'Offline': 'offline', '': null }

export function createTasmotaSource(limits: SourceLimits): Source {
  return {
    filters: FILTERS,
    owns: topic => TOPIC.test(topic),
    read(message, receivedMs) {
      const [, name = '', kind] = TOPIC.exec(message.topic) ?? []
      const deviceId = `tasmota:${name}`
      const fault = faultInName(deviceId, 'The deviceId made of the topic', limits.nameLength)
      if (fault) return [reject('device-id-invalid', fault)]
      const read = kind === 'LWT' ? readStatus : readSensors
      return read(deviceId, message, receivedMs, limits).map(said => said.kind === 'rejected' ? { ...said, deviceId } : said)
    },
  }
}

function readStatus(deviceId: string, { payload, replayed }: IncomingMessage, receivedMs: number, limits: SourceLimits): Observation[] {
  const word = payload.length > limits.valueLength ? '' : payload.toString('utf8')
  const status = payload.length === word.length && Object.hasOwn(STATUS, word) ? STATUS[word] : undefined
  if (status === undefined) return [reject('status-invalid', 'The payload is neither Online nor Offline.')]
  const { ts: updatedAt, receivedAt } = judgeTime(undefined, receivedMs, limits)
  return [{ kind: 'status', change: { deviceId, status, updatedAt, receivedAt, ...(replayed && { replayed: true }) } }]
}

function readSensors(deviceId: string, { payload, replayed }: IncomingMessage, receivedMs: number, limits: SourceLimits): Observation[] {
  if (payload.length === 0) return []
  const text = readText(payload, limits)
  if (typeof text !== 'string') return [text]
  const value = parseJson(text)
  if (value === NOT_JSON) return [reject('not-json', 'The payload is not JSON.')]
  if (!isRecord(value)) return [reject('not-an-object', 'The payload is JSON, but not an object such as {"AM2301":{"Temperature":4.7}}.')]
  const metrics: Record<string, number> = {}
  for (const [path, number] of numbersIn(value, '', MAX_DEPTH)) metrics[path] = number
  const names = Object.keys(metrics)
  if (names.length === 0) return []
  const refusal = refuseNames(names, limits) ?? refuseValues(metrics)
  if (refusal) return [refusal]
  const { ts, time, receivedAt } = judgeTime(undefined, receivedMs, limits)
  return [{ kind: 'telemetry', telemetry: { deviceId, ts, metrics, receivedAt, ...(replayed && { replayed: true }) }, time }]
}

function* numbersIn(value: object, path: string, depth: number): Generator<[path: string, number: number]> {
  for (const [key, inner] of Object.entries(value)) {
    if (IDS.has(key)) continue
    if (typeof inner === 'number') yield [path + key, inner]
    else if (typeof inner === 'object' && inner !== null && depth > 1) yield* numbersIn(inner, `${path}${key}.`, depth - 1)
  }
}

function refuseNames(names: readonly string[], limits: SourceLimits): Refusal | undefined {
  if (names.length > limits.metricsPerMessage) {
    return reject('metrics-too-many', `The message has ${names.length} numbers; at most ${limits.metricsPerMessage} are read.`)
  }
  const fault = names.map(name => faultInName(name, 'The name of a value', limits.nameLength)).find(Boolean)
  return fault === undefined ? undefined : reject('metric-name-invalid', fault)
}

/** What a double cannot hold would be stored as something else. */
function refuseValues(metrics: Record<string, number>): Refusal | undefined {
  const isExact = (value: number) => Number.isFinite(value) && (!Number.isInteger(value) || Number.isSafeInteger(value))
  const [name] = Object.entries(metrics).find(([, value]) => !isExact(value)) ?? []
  return name === undefined ? undefined : reject('metric-value-invalid', `Metric ${quote(name)} is a number too large to be stored as it was sent.`)
}
