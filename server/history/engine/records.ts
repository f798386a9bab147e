// What is stored of a message, and the text format of a batch of records. Times in microseconds since 1970.
import type { DeviceStatusChange } from '#shared/schemas/device'
import type { Telemetry } from '#shared/schemas/telemetry'
import { fromMicroseconds, toMicroseconds } from '#shared/time/time'
import type { Delivery } from './deduplication'
import type { StoredMessage } from './segments'
import { readMetrics, storedMetrics } from './values'

export type RecordKind = 'telemetry' | 'status'
const KIND_CODES = { telemetry: 0, status: 1 } as const satisfies Record<RecordKind, number>

/**
 * A message to store. `body` is its JSON text, made once for all users. `time` is its `ts` in microseconds since
 * 1970, if known already.
 */
export type NewRecord = { body: string, delivery: Delivery }
  & ({ kind: 'telemetry', value: Telemetry, time?: number } | { kind: 'status', value: DeviceStatusChange })

/** What the database holds when it opens: the last stored states, and the records after them. */
export interface Restored {
  devices: { deviceId: string, state: unknown }[]
  /** In order of arrival. */
  records: Iterable<JournalRecord>
}

/** A record as it is read back; `bytes` is the size of its payload. */
export type JournalRecord = { id: number, device: number, bytes: number }
  & ({ kind: 'telemetry', value: Telemetry } | { kind: 'status', value: DeviceStatusChange })

type Written = [device: number, kind: 0, bytes: number, value: Telemetry] | [device: number, kind: 1, bytes: number, value: DeviceStatusChange]

/** One record of a batch, with its value as JSON text; a batch is a JSON array of them. */
export function writeRecord(device: number, kind: RecordKind, bytes: number, body: string): string {
  return `[${device},${KIND_CODES[kind]},${bytes},${body}]`
}

/**
 * The messages of a batch that ends with the record `last`; entries that replicas write for each other are left out.
 */
export function* readBatch(last: number, body: string): Generator<JournalRecord> {
  const records: Written[] = JSON.parse(body)
  const first = last - records.length + 1
  for (const [i, [device, kind, bytes, value]] of records.entries()) {
    if (kind === KIND_CODES.status) yield { id: first + i, device, kind: 'status', bytes, value }
    else if (kind === KIND_CODES.telemetry) yield { id: first + i, device, kind: 'telemetry', bytes, value }
  }
}

/** Whether a record is a message of its own. A repetition of the newest message is not: it is stored already. */
export function isSample<R extends { kind: string, value: object }>(record: R): record is Extract<R, { kind: 'telemetry' }> {
  return record.kind === 'telemetry' && !('late' in record.value && record.value.late === false)
}

/** The part of a telemetry message that is stored as samples. */
export function toStored(telemetry: Telemetry, time = toMicroseconds(telemetry.ts)): StoredMessage {
  const { receivedAt, claimedTs } = telemetry
  const message: StoredMessage = { time, received: receivedTime(receivedAt), metrics: storedMetrics(telemetry) }
  if (claimedTs !== undefined) message.claimedTs = claimedTs
  return message
}

let lastReceived = { text: '', time: 0 }

/** Many messages are received in one millisecond. */
function receivedTime(text: string): number {
  if (text !== lastReceived.text) lastReceived = { text, time: toMicroseconds(text) }
  return lastReceived.time
}

/** The inverse of {@link toStored}; times come back in UTC. */
export function fromStored(deviceId: string, { time, received, metrics, claimedTs }: StoredMessage): Telemetry {
  const { metrics: values, ...marks } = readMetrics(metrics)
  const [ts, receivedAt] = [fromMicroseconds(time), fromMicroseconds(received)]
  return { deviceId, ts, metrics: values, receivedAt, ...(claimedTs && { claimedTs }), ...marks }
}
