import type { DatabaseSync } from 'node:sqlite'
import type { DeviceStatusChange } from '#shared/schemas/device'
import type { Telemetry } from '#shared/schemas/telemetry'
import { createDeduplication, PACKET_IDS } from '../engine/deduplication'
import type { Delivery } from '../engine/deduplication'

export type RecordKind = 'telemetry' | 'status'
const KIND_CODES = { telemetry: 0, status: 1 } as const satisfies Record<RecordKind, number>

/** A turn that brings more than this is written as several batches. */
const BATCH_CHARACTERS = 1_000_000
/** So many records are trimmed in one step. */
const TRIM_RECORDS = 2_000

/** A record as it is read back; `bytes` is the size of its payload. */
export type JournalRecord = { id: number, device: number, bytes: number }
  & ({ kind: 'telemetry', value: Telemetry } | { kind: 'status', value: DeviceStatusChange })

type Written = [device: number, kind: 0, bytes: number, value: Telemetry] | [device: number, kind: 1, bytes: number, value: DeviceStatusChange]

/** One record of a batch, with its value as JSON text; a batch is a JSON array of them. */
export function writeRecord(device: number, kind: RecordKind, bytes: number, body: string): string {
  return `[${device},${KIND_CODES[kind]},${bytes},${body}]`
}

/** The messages of a batch that ends with the record of id `last`; what replicas tell each other there is left out. */
export function* readBatch(last: number, body: string): Generator<JournalRecord> {
  const records: Written[] = JSON.parse(body)
  const first = last - records.length + 1
  for (const [i, [device, kind, bytes, value]] of records.entries()) {
    if (kind === KIND_CODES.status) yield { id: first + i, device, kind: 'status', bytes, value }
    else if (kind === KIND_CODES.telemetry) yield { id: first + i, device, kind: 'telemetry', bytes, value }
  }
}

/** Appends to the open transaction, as one row for all records of a turn (one row each would cost more than all the rest). */
export function createJournal(database: DatabaseSync, unacknowledged: number) {
  const deliveries = createDeduplication(unacknowledged)
  const insertBatch = database.prepare('INSERT INTO batch (last, body) VALUES (?, ?)')
  const insertDelivery = database.prepare('INSERT INTO delivery (last, packets) VALUES (?, ?)')
  const forget = database.prepare(`INSERT INTO meta (key, value) VALUES ('forgotten', ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value`)
  const oldest = database.prepare('SELECT min(last) AS last FROM batch')
  const trim = database.prepare('DELETE FROM batch WHERE last < ?')
  const expire = database.prepare('DELETE FROM delivery WHERE last < ?')
  // Ids go on where they stopped, also when everything is packed: devices remember up to which one they are.
  const lastIds = database.prepare('SELECT (SELECT max(last) FROM delivery) AS journal, (SELECT max(archived) FROM device) AS packed').get()
  let nextId = 1 + Math.max(Number(lastIds?.journal ?? 0), Number(lastIds?.packed ?? 0))
  // Up to which record the broker has forgotten what it delivered.
  let forgotten = Number(database.prepare('SELECT value FROM meta WHERE key = \'forgotten\'').get()?.value ?? 0)
  // The batch that is being written.
  let bodies = ''

  /** Puts what was appended into the open transaction. */
  function flush() {
    if (deliveries.isEmpty()) return
    insertBatch.run(nextId - 1, `[${bodies}]`)
    insertDelivery.run(nextId - 1, deliveries.take())
    bodies = ''
  }

  return {
    isStored: deliveries.isStored,
    sessionResumed: deliveries.sessionResumed,
    /** Adds a record, with its value as JSON text, to the open transaction; its id. */
    append(device: number, kind: RecordKind, body: string, delivery: Delivery): number {
      if (bodies.length > BATCH_CHARACTERS) flush()
      bodies += `${bodies === '' ? '' : ','}${writeRecord(device, kind, delivery.payload.length, body)}`
      deliveries.add(delivery)
      return nextId++
    },
    flush,
    committed: deliveries.committed,
    rolledBack() {
      deliveries.rolledBack()
      bodies = ''
    },
    /** Whether what was stored last is on disk is not known: nothing is taken for a redelivery of it. */
    distrustDeliveries: deliveries.forget,
    /** The broker has forgotten our session: packet ids start anew, nothing will be redelivered. */
    forgetDeliveries() {
      deliveries.forget()
      forgotten = nextId - 1
      forget.run(forgotten)
    },
    /** All records in order of arrival, once on opening. */
    * restore(): Generator<JournalRecord> {
      for (const { last, packets } of database.prepare('SELECT last, packets FROM delivery ORDER BY last').iterate()) deliveries.restore(Number(last), packets, forgotten)
      for (const { last, body } of database.prepare('SELECT last, body FROM batch ORDER BY last').iterate()) yield* readBatch(Number(last), String(body))
    },
    /** Deletes some of what is packed (below `firstNeeded`), keeping what tells a redelivery; whether there is more. */
    trim(firstNeeded: number): boolean {
      const first = oldest.get()?.last
      if (first === null || first === undefined || Number(first) >= firstNeeded) return false
      trim.run(Math.min(firstNeeded, Number(first) + TRIM_RECORDS))
      expire.run(nextId - PACKET_IDS)
      return true
    },
    lastId: () => nextId - 1,
  }
}
