import type { DatabaseSync } from 'node:sqlite'
import { createDeduplication, PACKET_IDS } from '../engine/deduplication'
import type { Delivery } from '../engine/deduplication'
import { readBatch, writeRecord } from '../engine/records'
import type { JournalRecord, RecordKind } from '../engine/records'

/** A turn with more than this is written as several batches. */
const BATCH_CHARACTERS = 1_000_000
/** This many records are trimmed in one step. */
const TRIM_RECORDS = 2_000

/**
 * Appends to the open transaction, one row for all records of a turn (one row each would cost more than all other
 * work).
 */
export function createJournal(database: DatabaseSync, unacknowledged: number) {
  const deliveries = createDeduplication(unacknowledged)
  const insertBatch = database.prepare('INSERT INTO batch (last, body) VALUES (?, ?)')
  const insertDelivery = database.prepare('INSERT INTO delivery (last, packets) VALUES (?, ?)')
  const forget = database.prepare(`INSERT INTO meta (key, value) VALUES ('forgotten', ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value`)
  const oldest = database.prepare('SELECT min(last) AS last FROM batch')
  const trim = database.prepare('DELETE FROM batch WHERE last < ?')
  const expire = database.prepare('DELETE FROM delivery WHERE last < ?')
  // Ids continue where they stopped, even when everything is packed: devices store up to which id they are packed.
  const lastIds = database.prepare('SELECT (SELECT max(last) FROM delivery) AS journal, (SELECT max(archived) FROM device) AS packed').get()
  let nextId = 1 + Math.max(Number(lastIds?.journal ?? 0), Number(lastIds?.packed ?? 0))
  // Up to this record the broker has forgotten its deliveries.
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
    /** Adds a record, with its value as JSON text, to the open transaction; returns its id. */
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
    /** It is unknown whether the last records are on disk: no redelivery of them counts as known. */
    distrustDeliveries: deliveries.forget,
    /** The broker has lost our session: packet ids start again, it will redeliver nothing. */
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
    /**
     * Deletes some packed records (below `firstNeeded`), but not the data that recognises redeliveries; returns
     * whether there are more.
     */
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
