// All writes go through here, one transaction after the other. Records that arrive during a transaction go into the
// next, so a slow database makes larger transactions and not a longer queue.
import { createDeduplication } from '../engine/deduplication'
import type { Delivery } from '../engine/deduplication'
import type { OnCommitted } from '../engine/group-commit'
import { writeRecord } from '../engine/records'
import type { RecordKind } from '../engine/records'
import { HistoryError } from './errors'
import { setMeta } from './migrations'
import { escapeNul } from './nul-escaping'
import type { Query, Connections } from './connections'

/**
 * Characters of messages that may wait. MQTT's Receive Maximum limits those of QoS 1; those of QoS 0 would grow
 * without end if the database is too slow.
 */
export const MOST_WAITING_CHARACTERS = 67_108_864

/** Work to do in a transaction, beside its messages. */
export interface Work {
  /**
   * Reads the state in memory at exactly the point where the transaction's records end; what it returns runs in the
   * transaction.
   */
  begin: () => (query: Query) => Promise<void>
  /** It is committed. */
  done: () => void
}

interface Job extends Work { failed: (error: Error) => void }

export interface WriterOptions {
  session: Pick<Connections, 'write' | 'writeNamed'>
  unacknowledged: number
  /** Where the ids of records and devices go on. */
  nextId: number
  /** A write has failed; everything that waited is dropped. */
  onFailure: (error: unknown) => void
  /** A transaction with records up to this one is committed; `ms` is how long that took. */
  onCommitted: (lastId: number, ms: number) => void
  mostWaiting?: number
}

interface Batch { last: number, bodies: string, packets: Uint8Array, devices: { id: number, name: string }[], forgotten: number | undefined, turns: OnCommitted[] }

const INSERT_BATCH = 'WITH b AS (INSERT INTO batch (last, body) VALUES ($1, $2)) INSERT INTO delivery (last, packets) VALUES ($1, $3)'

export function createWriter({ session, unacknowledged, nextId, onFailure, onCommitted, mostWaiting = MOST_WAITING_CHARACTERS }: WriterOptions) {
  const deliveries = createDeduplication(unacknowledged)
  const jobs: Job[] = []
  let bodies = ''
  let devices: Batch['devices'] = []
  let turns: OnCommitted[] = []
  let forgotten: number | undefined
  let isWanted = false
  let running: Promise<void> | undefined
  let failure: Error | undefined

  const failed = () => failure
  const hasRecords = () => !deliveries.isEmpty()

  function take(): Batch {
    const batch = { last: nextId - 1, bodies, packets: deliveries.take(), devices, forgotten, turns }
    deliveries.committed()
    bodies = ''
    devices = []
    turns = []
    forgotten = undefined
    isWanted = false
    return batch
  }

  async function writeBatch({ last, bodies, packets, devices, forgotten }: Batch) {
    if (devices.length > 0) {
      await session.write('INSERT INTO device (id, name) SELECT * FROM unnest($1::int[], $2::text[])', [devices.map(({ id }) => id), devices.map(({ name }) => escapeNul(name))])
      // Even when the row is deleted later, its number must not be given to another device: the journal may still use
      // it.
      await session.write(setMeta('device', Math.max(...devices.map(({ id }) => id))))
    }
    if (forgotten !== undefined) await session.write(setMeta('forgotten', forgotten))
    if (packets.length > 0) await session.writeNamed('batch', INSERT_BATCH, [last, `[${bodies}]`, packets])
  }

  async function transact(batch: Batch, job: Job | undefined) {
    const work = job?.begin()
    // One statement is a transaction already.
    const isAlone = !work && batch.devices.length === 0 && batch.forgotten === undefined
    if (!isAlone) await session.write('BEGIN')
    await writeBatch(batch)
    await work?.(session.write)
    if (!isAlone) await session.write('COMMIT')
  }

  async function run() {
    while (!failed() && (isWanted || turns.length > 0 || jobs.length > 0)) {
      const batch = take()
      const job = jobs.shift()
      const began = performance.now()
      await transact(batch, job).catch(fail)
      // It may or may not be in the database; the reopen finds out.
      const error = failed()
      if (!error && batch.packets.length > 0) onCommitted(batch.last, performance.now() - began)
      for (const done of batch.turns) done(!error)
      if (error) job?.failed(error)
      else job?.done()
    }
    running = undefined
  }

  function start() {
    running ??= run()
  }

  function fail(error: unknown) {
    if (failure) return
    failure = error instanceof Error ? error : new Error(String(error))
    const dropped = { turns, jobs: jobs.splice(0) }
    turns = []
    bodies = ''
    onFailure(error)
    for (const done of dropped.turns) done(false)
    for (const job of dropped.jobs) job.failed(failure)
  }

  return {
    deliveries,
    lastId: () => nextId - 1,
    /** The device of the following records. */
    addDevice: (id: number, name: string) => void devices.push({ id, name }),
    /** Adds a record to the next commit; returns its id. @throws when too much waits. */
    append(device: number, kind: RecordKind, body: string, delivery: Delivery): number {
      if (bodies.length > mostWaiting) {
        const error = new HistoryError('PostgreSQL is too slow for what arrives: too much waits to be stored.')
        fail(error)
        throw error
      }
      bodies += `${bodies === '' ? '' : ','}${writeRecord(device, kind, delivery.payload.length, body)}`
      deliveries.add(delivery)
      return nextId++
    },
    /** Ends a turn; `done` is called in the order of the turns. */
    commit(done?: OnCommitted) {
      if (failed()) return done?.(false)
      if (!hasRecords() && !running) return done?.(true)
      if (done) turns.push(done)
      isWanted ||= hasRecords()
      start()
    },
    forgetDeliveries() {
      deliveries.forget()
      forgotten = nextId - 1
      isWanted = true
      start()
    },
    /** Runs in the next transaction; resolves when it is committed. */
    work({ begin, done }: Work): Promise<void> {
      if (failure) return Promise.reject(failure)
      return new Promise((resolve, reject) => {
        jobs.push({
          begin,
          done() {
            done()
            resolve()
          },
          failed: reject,
        })
        start()
      })
    },
    fail,
    /** Resolves when everything so far is written, or has failed. */
    async settled() {
      if (hasRecords() && !failure) {
        isWanted = true
        start()
      }
      while (running && !failed()) await running
    },
  }
}
