// Writes one replica's share of the messages into the common log: one statement at a time; what arrives meanwhile goes
// into the next. Each share remembers what its session at the broker has delivered, and so recognises redeliveries.
import type { OnCommitted } from '../history/engine/group-commit'
import { createDeduplication, DELIVERY_BYTES, PACKET_IDS } from '../history/engine/deduplication'
import type { Delivery } from '../history/engine/deduplication'
import { HistoryError } from '../history/postgres/errors'
import { setMeta } from '../history/postgres/migrations'
import { escapeNul } from '../history/postgres/nul-escaping'
import type { DedicatedConnection } from '../history/postgres/connections'
import { MOST_WAITING_CHARACTERS } from '../history/postgres/writer'
import { NOTIFY_CHANNEL } from './log-reader'
import type { ReplicaState } from './replica-state'
import { joinEntries, writeEntry } from './log-codec'
import type { EntryKind } from './log-codec'

/** Characters of one batch: readers apply a batch without a pause. */
const BATCH_CHARACTERS = 250_000

export interface LogAppenderOptions {
  line: Pick<DedicatedConnection, 'query' | 'named'>
  /** The slot of the session. */
  slot: number
  unacknowledged: number
  memory: Pick<ReplicaState, 'ids' | 'learn' | 'position'>
  /** Resolves when the log has been applied up to a record. */
  reached: (id: number) => Promise<void>
  /** A write has failed; everything that waited is dropped. */
  onFailure: (error: unknown) => void
  /** A batch that ends with this record is committed; `ms` is how long that took. */
  onCommitted: (lastId: number, ms: number) => void
  mostWaiting?: number
}

interface Entry { deviceId: string, kind: EntryKind, bytes: number, text: string }
interface Batch { entries: Entry[], packets: Uint8Array, turns: OnCommitted[], isForgotten: boolean }

/** The numbers of devices are valid only as far as the log has been applied: a device may have been deleted since. */
const INSERT = `WITH h AS (UPDATE head SET last = last + $1 WHERE forgets <= $2 RETURNING last),
  b AS (INSERT INTO batch (last, body) SELECT last, $3 FROM h),
  d AS (INSERT INTO delivery (last, packets, slot) SELECT last, $4, $5 FROM h)
  SELECT last, ${NOTIFY_CHANNEL} FROM h`

export function createLogAppender({ line, slot, unacknowledged, memory, reached, onFailure, onCommitted, mostWaiting = MOST_WAITING_CHARACTERS }: LogAppenderOptions) {
  const deliveries = createDeduplication(unacknowledged)
  let entries: Entry[] = []
  let waiting = 0
  let turns: OnCommitted[] = []
  let isForgotten = false
  let running: Promise<void> | undefined
  let failure: unknown

  const isAnythingToDo = () => entries.length > 0 || turns.length > 0 || isForgotten

  function take(): Batch {
    const batch = { entries, packets: deliveries.take(), turns, isForgotten }
    deliveries.committed()
    entries = []
    waiting = 0
    turns = []
    isForgotten = false
    return batch
  }

  /** Numbers for devices that have none yet. */
  async function number(deviceIds: readonly string[]) {
    const wanted = deviceIds.map(escapeNul)
    await line.query('BEGIN')
    // One after the other: two replicas may have met the same device.
    await line.query('SELECT last FROM head FOR UPDATE')
    await line.query(`WITH fresh AS (SELECT name, (SELECT coalesce(max(value), 0) FROM meta WHERE key = 'device') + row_number() OVER () AS id
        FROM unnest($1::text[]) AS w (name) WHERE NOT EXISTS (SELECT 1 FROM device WHERE device.name = w.name))
      INSERT INTO device (id, name) SELECT id, name FROM fresh`, [wanted])
    const rows = await line.query('SELECT name, id FROM device WHERE name = ANY($1::text[])', [wanted])
    // Even when the row is deleted later, its number must not be given to another device: the log may still use it.
    await line.query('SELECT greatest(coalesce((SELECT value FROM meta WHERE key = \'device\'), 0), coalesce(max(id), 0)) AS id FROM device').then(([top]) => line.query(setMeta('device', Number(top?.id))))
    await line.query('COMMIT')
    const ids = new Map(rows.map(({ name, id }) => [String(name), Number(id)]))
    for (const [i, deviceId] of deviceIds.entries()) memory.learn(ids.get(wanted[i] ?? '') ?? 0, deviceId)
  }

  async function writeSome(some: readonly Entry[], packets: Uint8Array) {
    for (;;) {
      const unknown = new Set(some.filter(({ deviceId }) => !memory.ids.has(deviceId)).map(({ deviceId }) => deviceId))
      if (unknown.size > 0) await number([...unknown])
      const upTo = memory.position()
      const body = joinEntries(some.map(({ deviceId, kind, bytes, text }) => writeEntry(memory.ids.get(deviceId) ?? 0, kind, bytes, text)))
      const [row] = await line.named('share', INSERT, [some.length, upTo, body, packets, slot])
      if (row) return Number(row.last)
      await reached(Number((await line.query('SELECT forgets FROM head'))[0]?.forgets))
    }
  }

  async function write({ entries, packets, isForgotten }: Batch) {
    // The broker has lost our session: packet ids start again, it will redeliver nothing.
    if (isForgotten) await line.query('DELETE FROM delivery WHERE slot = $1', [slot])
    for (let from = 0; from < entries.length;) {
      let to = from
      for (let characters = 0; to < entries.length && characters < BATCH_CHARACTERS; to++) characters += entries[to]?.text.length ?? 0
      const began = performance.now()
      const last = await writeSome(entries.slice(from, to), packets.subarray(from * DELIVERY_BYTES, to * DELIVERY_BYTES))
      onCommitted(last, performance.now() - began)
      from = to
    }
  }

  async function run() {
    while (failure === undefined && isAnythingToDo()) {
      const batch = take()
      await write(batch).catch(fail)
      // It may or may not be in the database; the reopen finds out.
      for (const done of batch.turns) done(failure === undefined)
    }
    running = undefined
  }

  function fail(error: unknown) {
    if (failure !== undefined) return
    failure = error
    const dropped = turns
    entries = []
    turns = []
    onFailure(error)
    for (const done of dropped) done(false)
  }

  function start() {
    running ??= run()
  }

  return {
    deliveries,
    /** Restores what the session has delivered before. */
    async restore() {
      for (const { last, packets } of await line.query('SELECT last, packets FROM delivery WHERE slot = $1 ORDER BY last', [slot])) deliveries.restore(Number(last), packets, 0)
    },
    /** Adds a record to the next commit. @throws when too much waits. */
    append(deviceId: string, kind: EntryKind, text: string, delivery: Delivery) {
      if (waiting > mostWaiting) {
        const error = new HistoryError('PostgreSQL is too slow for what arrives: too much waits to be stored.')
        fail(error)
        throw error
      }
      waiting += text.length
      entries.push({ deviceId, kind, bytes: delivery.payload.length, text })
      deliveries.add(delivery)
    },
    /** Ends a turn; `done` is called in the order of the turns. */
    commit(done?: OnCommitted) {
      if (failure !== undefined) return done?.(false)
      if (entries.length === 0 && !running) return done?.(true)
      if (done) turns.push(done)
      start()
    },
    forgetDeliveries() {
      deliveries.forget()
      isForgotten = true
      start()
    },
    /** Deletes records of deliveries that cannot come again. */
    trim: () => line.query(`DELETE FROM delivery WHERE slot = $1 AND last < (SELECT max(last) FROM (SELECT last, sum(octet_length(packets)) OVER (ORDER BY last DESC) AS bytes FROM delivery WHERE slot = $1) d WHERE bytes > $2)`, [slot, PACKET_IDS * DELIVERY_BYTES]),
    waiting: () => entries.length,
    fail,
    /** Resolves when everything so far is written, or has failed. */
    async settled() {
      while (failure === undefined && (running || isAnythingToDo())) {
        start()
        await running
      }
    },
  }
}
export type LogAppender = ReturnType<typeof createLogAppender>
