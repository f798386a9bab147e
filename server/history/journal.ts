import { hash } from 'node:crypto'
import type { DatabaseSync } from 'node:sqlite'

const TRIM_ROWS = 500

export type RecordKind = 'telemetry' | 'status'
const KIND_CODES: Record<RecordKind, number> = { telemetry: 0, status: 1 }

/** What came over the wire, as far as it tells one delivery from another. QoS 0 carries no packet id. */
export interface Delivery { packetId: number | undefined, topic: string, payload: Uint8Array }

export interface JournalRecord { id: number, device: number, kind: RecordKind, body: string }

/** Appends to the open transaction; recognises redeliveries by packet id and digest. */
export function createJournal(database: DatabaseSync) {
  const insert = database.prepare('INSERT INTO journal (id, device, kind, packet, digest, body) VALUES (?, ?, ?, ?, ?, ?)')
  const oldest = database.prepare('SELECT min(id) AS id FROM journal')
  const keepDeliveries = database.prepare(`INSERT OR REPLACE INTO delivery (packet, digest)
    SELECT packet, digest FROM journal WHERE id < ? AND packet IS NOT NULL ORDER BY id`)
  const trim = database.prepare('DELETE FROM journal WHERE id < ?')
  const digests = new Map<number, string>()
  // Packet ids of the open transaction with what they meant before it.
  const undo = new Map<number, string | undefined>()
  // Ids go on where they stopped, also when everything is packed: devices remember up to which one they are.
  const lastIds = database.prepare('SELECT (SELECT max(id) FROM journal) AS journal, (SELECT max(archived) FROM device) AS packed').get()
  let nextId = 1 + Math.max(Number(lastIds?.journal ?? 0), Number(lastIds?.packed ?? 0))

  for (const table of ['delivery ORDER BY packet', 'journal WHERE packet IS NOT NULL ORDER BY id']) {
    for (const row of database.prepare(`SELECT packet, digest FROM ${table}`).iterate()) digests.set(Number(row.packet), String(row.digest))
  }

  return {
    /** Whether this delivery, marked as a repetition by the broker, is stored already. */
    isStored({ packetId, topic, payload }: Delivery): boolean {
      return packetId !== undefined && digests.get(packetId) === digestOf(topic, payload)
    },
    /** Adds a record to the open transaction; its id. */
    append(device: number, kind: RecordKind, body: string, { packetId, topic, payload }: Delivery): number {
      const digest = packetId === undefined ? null : digestOf(topic, payload)
      insert.run(nextId, device, KIND_CODES[kind], packetId ?? null, digest, body)
      if (packetId !== undefined && digest !== null) {
        if (!undo.has(packetId)) undo.set(packetId, digests.get(packetId))
        digests.set(packetId, digest)
      }
      return nextId++
    },
    committed: () => undo.clear(),
    /** What was appended since the last commit is not stored after all: its redelivery must not be taken for known. */
    rolledBack() {
      for (const [packetId, digest] of undo) {
        if (digest === undefined) digests.delete(packetId)
        else digests.set(packetId, digest)
      }
      undo.clear()
    },
    /** The broker has forgotten our session: packet ids start anew, nothing will be redelivered. */
    forgetDeliveries() {
      digests.clear()
      database.exec('DELETE FROM delivery; UPDATE journal SET packet = NULL, digest = NULL WHERE packet IS NOT NULL')
    },
    /** Records after an id, in order of arrival. */
    * after(id: number): Generator<JournalRecord> {
      const rows = database.prepare('SELECT id, device, kind, body FROM journal WHERE id > ? ORDER BY id').iterate(id)
      for (const row of rows) {
        yield { id: Number(row.id), device: Number(row.device), kind: row.kind === KIND_CODES.status ? 'status' : 'telemetry', body: String(row.body) }
      }
    },
    /** Deletes some of what is packed (below `firstNeeded`), keeping what tells a redelivery; whether there is more. */
    trim(firstNeeded: number): boolean {
      const first = oldest.get()?.id
      if (first === null || first === undefined || Number(first) >= firstNeeded) return false
      const end = Math.min(firstNeeded, Number(first) + TRIM_ROWS)
      keepDeliveries.run(end)
      trim.run(end)
      return true
    },
    lastId: () => nextId - 1,
  }
}
export type Journal = ReturnType<typeof createJournal>

function digestOf(topic: string, payload: Uint8Array): string {
  return hash('sha1', Buffer.concat([Buffer.from(`${topic}\0`), payload]), 'base64')
}
