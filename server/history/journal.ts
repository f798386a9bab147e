import { hash } from 'node:crypto'
import type { DatabaseSync } from 'node:sqlite'

const TRIM_ROWS = 500

export type RecordKind = 'telemetry' | 'status'
const KIND_CODES: Record<RecordKind, number> = { telemetry: 0, status: 1 }

/** What came over the wire, as far as it tells one delivery from another. QoS 0 carries no packet id. */
export interface Delivery { packetId: number | undefined, topic: string, payload: Uint8Array, redelivered: boolean }

export interface JournalRecord { id: number, device: number, kind: RecordKind, body: string }

/** What was delivered last under a packet id, and as the how manieth delivery. */
interface Known { digest: string, n: number }

/** Appends to the open transaction; recognises redeliveries by packet id and digest, of which at most
 * `unacknowledged` can be under way at once. */
export function createJournal(database: DatabaseSync, unacknowledged: number) {
  const insert = database.prepare('INSERT INTO journal (id, device, kind, packet, digest, body) VALUES (?, ?, ?, ?, ?, ?)')
  const oldest = database.prepare('SELECT min(id) AS id FROM journal')
  const keepDeliveries = database.prepare(`INSERT OR REPLACE INTO delivery (packet, digest)
    SELECT packet, digest FROM journal WHERE id < ? AND id > ? AND packet IS NOT NULL ORDER BY id`)
  const forget = database.prepare(`INSERT INTO meta (key, value) VALUES ('forgotten', ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value`)
  const trim = database.prepare('DELETE FROM journal WHERE id < ?')
  const digests = new Map<number, Known>()
  // Packet ids of the open transaction with what they meant before it.
  const undo = new Map<number, Known | undefined>()
  let deliveries = 0
  let resumed = 0
  // Ids go on where they stopped, also when everything is packed: devices remember up to which one they are.
  const lastIds = database.prepare('SELECT (SELECT max(id) FROM journal) AS journal, (SELECT max(archived) FROM device) AS packed').get()
  let nextId = 1 + Math.max(Number(lastIds?.journal ?? 0), Number(lastIds?.packed ?? 0))

  // Up to which record the broker has forgotten what it delivered.
  let forgotten = Number(database.prepare('SELECT value FROM meta WHERE key = \'forgotten\'').get()?.value ?? 0)

  function learn(packet: unknown, digest: unknown) {
    digests.set(Number(packet), { digest: String(digest), n: deliveries++ })
  }

  return {
    /**
     * Whether this delivery is stored already. The broker marks repetitions (DUP), but not all do so after a restart: right
     * after a session was resumed, one of the last deliveries that comes again under its packet id is one, too.
     */
    isStored({ packetId, topic, payload, redelivered }: Delivery): boolean {
      const known = packetId === undefined ? undefined : digests.get(packetId)
      const suspected = resumed > 0 && resumed-- > 0 && known !== undefined && deliveries - known.n <= unacknowledged
      return known !== undefined && (redelivered || suspected) && known.digest === digestOf(topic, payload)
    },
    /** The broker goes on with our session: what it had not heard the end of comes first. */
    sessionResumed() {
      resumed = unacknowledged
    },
    /** Adds a record to the open transaction; its id. */
    append(device: number, kind: RecordKind, body: string, { packetId, topic, payload }: Delivery): number {
      const digest = packetId === undefined ? null : digestOf(topic, payload)
      insert.run(nextId, device, KIND_CODES[kind], packetId ?? null, digest, body)
      if (packetId !== undefined && digest !== null) {
        if (!undo.has(packetId)) undo.set(packetId, digests.get(packetId))
        digests.set(packetId, { digest, n: deliveries++ })
      }
      return nextId++
    },
    committed: () => undo.clear(),
    /** What was appended since the last commit is not stored after all: its redelivery must not be taken for known. */
    rolledBack() {
      for (const [packetId, known] of undo) {
        if (known === undefined) digests.delete(packetId)
        else digests.set(packetId, known)
      }
      undo.clear()
    },
    /** The broker has forgotten our session: packet ids start anew, nothing will be redelivered. */
    forgetDeliveries() {
      digests.clear()
      forgotten = nextId - 1
      forget.run(forgotten)
      database.exec('DELETE FROM delivery')
    },
    /** All records in order of arrival; to be read to the end once on opening, because it also learns the deliveries. */
    * restore(): Generator<JournalRecord> {
      for (const row of database.prepare('SELECT packet, digest FROM delivery').iterate()) learn(row.packet, row.digest)
      for (const row of database.prepare('SELECT id, device, kind, packet, digest, body FROM journal ORDER BY id').iterate()) {
        if (row.packet !== null && Number(row.id) > forgotten) learn(row.packet, row.digest)
        yield { id: Number(row.id), device: Number(row.device), kind: row.kind === KIND_CODES.status ? 'status' : 'telemetry', body: String(row.body) }
      }
    },
    /** Deletes some of what is packed (below `firstNeeded`), keeping what tells a redelivery; whether there is more. */
    trim(firstNeeded: number): boolean {
      const first = oldest.get()?.id
      if (first === null || first === undefined || Number(first) >= firstNeeded) return false
      const end = Math.min(firstNeeded, Number(first) + TRIM_ROWS)
      keepDeliveries.run(end, forgotten)
      trim.run(end)
      return true
    },
    lastId: () => nextId - 1,
  }
}

function digestOf(topic: string, payload: Uint8Array): string {
  return hash('sha1', Buffer.concat([Buffer.from(`${topic}\0`), payload]), 'base64')
}
