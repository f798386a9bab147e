import type { DatabaseSync } from 'node:sqlite'
import { crc32 } from 'node:zlib'
import type { DeviceStatusChange } from '#shared/schemas/device'
import type { Telemetry } from '#shared/schemas/telemetry'

export type RecordKind = 'telemetry' | 'status'
const KIND_CODES = { telemetry: 0, status: 1 } as const satisfies Record<RecordKind, number>

/** MQTT's packet ids are 16 bits wide: what was delivered before so many others cannot be delivered again. */
const PACKET_IDS = 65_536
/** A delivery on disk: packet id (0 without one) and digest, 32 bits each. */
const DELIVERY_BYTES = 8
/** A turn that brings more than this is written as several batches. */
const BATCH_CHARACTERS = 1_000_000
/** So many records are trimmed in one step. */
const TRIM_RECORDS = 2_000

/** What came over the wire, as far as it tells one delivery from another. QoS 0 carries no packet id. */
export interface Delivery { packetId: number | undefined, topic: string, payload: Uint8Array, redelivered: boolean }

/** A record as it is read back; `bytes` is the size of its payload. */
export type JournalRecord = { id: number, device: number, bytes: number }
  & ({ kind: 'telemetry', value: Telemetry } | { kind: 'status', value: DeviceStatusChange })

type Written = [device: number, kind: 0, bytes: number, value: Telemetry] | [device: number, kind: 1, bytes: number, value: DeviceStatusChange]

/**
 * Appends to the open transaction, as one row for all records of a turn (one row each would cost more than all the rest).
 * Recognises redeliveries by packet id and digest, of which at most `unacknowledged` can be under way at once.
 */
export function createJournal(database: DatabaseSync, unacknowledged: number) {
  const insertBatch = database.prepare('INSERT INTO batch (last, body) VALUES (?, ?)')
  const insertDelivery = database.prepare('INSERT INTO delivery (last, packets) VALUES (?, ?)')
  const forget = database.prepare(`INSERT INTO meta (key, value) VALUES ('forgotten', ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value`)
  const oldest = database.prepare('SELECT min(last) AS last FROM batch')
  const trim = database.prepare('DELETE FROM batch WHERE last < ?')
  const expire = database.prepare('DELETE FROM delivery WHERE last < ?')
  // Per packet id, what was delivered last under it, and as the how manieth delivery (0: never).
  const digests = new Uint32Array(PACKET_IDS)
  const ordinals = new Float64Array(PACKET_IDS)
  // Packet id, digest and ordinal before the open transaction, in threes.
  let undo: number[] = []
  let delivered = 0
  let resumed = 0
  // Ids go on where they stopped, also when everything is packed: devices remember up to which one they are.
  const lastIds = database.prepare('SELECT (SELECT max(last) FROM delivery) AS journal, (SELECT max(archived) FROM device) AS packed').get()
  let nextId = 1 + Math.max(Number(lastIds?.journal ?? 0), Number(lastIds?.packed ?? 0))
  // Up to which record the broker has forgotten what it delivered.
  let forgotten = Number(database.prepare('SELECT value FROM meta WHERE key = \'forgotten\'').get()?.value ?? 0)
  // The batch that is being written.
  let deliveries: number[] = []
  let bodies = ''

  function learn(packetId: number, digest: number) {
    digests[packetId] = digest
    ordinals[packetId] = ++delivered
  }

  /** Puts what was appended into the open transaction. */
  function flush() {
    if (deliveries.length === 0) return
    insertBatch.run(nextId - 1, `[${bodies}]`)
    insertDelivery.run(nextId - 1, new Uint8Array(Uint32Array.from(deliveries).buffer))
    deliveries = []
    bodies = ''
  }

  function learnDeliveries() {
    for (const { last, packets } of database.prepare('SELECT last, packets FROM delivery ORDER BY last').iterate()) {
      const pairs = toPairs(packets)
      const first = Number(last) - pairs.length / 2 + 1
      for (let i = 0; i < pairs.length; i += 2) {
        const packetId = pairs[i] ?? 0
        if (packetId > 0 && first + i / 2 > forgotten) learn(packetId, pairs[i + 1] ?? 0)
      }
    }
  }

  return {
    /**
     * Whether this delivery is stored already. The broker marks repetitions (DUP), but not all do so after a restart: right
     * after a session was resumed, one of the last deliveries that comes again under its packet id is one, too.
     */
    isStored({ packetId, topic, payload, redelivered }: Delivery): boolean {
      const ordinal = packetId === undefined ? 0 : ordinals[packetId] ?? 0
      const suspected = resumed > 0 && resumed-- > 0 && ordinal > 0 && delivered - ordinal < unacknowledged
      return packetId !== undefined && ordinal > 0 && (redelivered || suspected) && digests[packetId] === digestOf(topic, payload)
    },
    /** The broker goes on with our session: what it had not heard the end of comes first. */
    sessionResumed() {
      resumed = unacknowledged
    },
    /** Adds a record, with its value as JSON text, to the open transaction; its id. */
    append(device: number, kind: RecordKind, body: string, { packetId, topic, payload }: Delivery): number {
      if (bodies.length > BATCH_CHARACTERS) flush()
      bodies += `${bodies === '' ? '' : ','}[${device},${KIND_CODES[kind]},${payload.length},${body}]`
      if (packetId === undefined) {
        deliveries.push(0, 0)
      }
      else {
        undo.push(packetId, digests[packetId] ?? 0, ordinals[packetId] ?? 0)
        const digest = digestOf(topic, payload)
        deliveries.push(packetId, digest)
        learn(packetId, digest)
      }
      return nextId++
    },
    flush,
    committed() {
      undo = []
    },
    /** What was appended since the last commit is not stored after all: its redelivery must not be taken for known. */
    rolledBack() {
      for (let i = undo.length - 3; i >= 0; i -= 3) {
        const packetId = undo[i] ?? 0
        digests[packetId] = undo[i + 1] ?? 0
        ordinals[packetId] = undo[i + 2] ?? 0
      }
      undo = []
      deliveries = []
      bodies = ''
    },
    /** Whether what was stored last is on disk is not known: nothing is taken for a redelivery of it. */
    distrustDeliveries: () => void ordinals.fill(0),
    /** The broker has forgotten our session: packet ids start anew, nothing will be redelivered. */
    forgetDeliveries() {
      ordinals.fill(0)
      forgotten = nextId - 1
      forget.run(forgotten)
    },
    /** All records in order of arrival, once on opening. */
    * restore(): Generator<JournalRecord> {
      learnDeliveries()
      for (const { last, body } of database.prepare('SELECT last, body FROM batch ORDER BY last').iterate()) {
        const records: Written[] = JSON.parse(String(body))
        const first = Number(last) - records.length + 1
        for (const [i, [device, kind, bytes, value]] of records.entries()) {
          if (kind === KIND_CODES.status) yield { id: first + i, device, kind: 'status', bytes, value }
          else yield { id: first + i, device, kind: 'telemetry', bytes, value }
        }
      }
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

function toPairs(blob: unknown): Uint32Array {
  if (!(blob instanceof Uint8Array)) return new Uint32Array()
  // Copied, because SQLite's buffer may begin at any byte.
  return new Uint32Array(blob.slice().buffer, 0, Math.floor(blob.length / DELIVERY_BYTES) * 2)
}

/** Tells apart what could arrive under one packet id; no protection against forgery, for only the broker hands these out. */
function digestOf(topic: string, payload: Uint8Array): number {
  return crc32(payload, crc32(topic))
}
