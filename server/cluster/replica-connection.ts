// One connection of a replica to the common database: its session slot, log reader, appender and writes. On any
// failure all of it is closed; the state in memory stays and continues from there.
import { HistoryError } from '../history/postgres/errors'
import { requireWhole } from '../history/postgres/migration-guard'
import { openPartitions } from '../history/postgres/partitions'
import type { Partitions } from '../history/postgres/partitions'
import { bringUpToDate } from '../history/postgres/open-connections'
import { takePlace, toDatabase } from '../history/postgres/connections'
import type { Database, DedicatedConnection, Query } from '../history/postgres/connections'
import { createLogReader } from './log-reader'
import type { LogReader } from './log-reader'
import { createOrderedWrites } from './ordered-writes'
import type { OrderedWrites } from './ordered-writes'
import type { ReplicaState } from './replica-state'
import { claimSlot, retireSlot, takeSlot } from './session-slots'
import { createLogAppender } from './log-appender'
import type { LogAppender } from './log-appender'

/** How often records of deliveries that cannot come again are deleted. */
const TRIM_EVERY_MS = 60_000

export interface ReplicaConnectionOptions {
  url: string
  partitions: boolean
  unacknowledged: number
  mostWaiting?: number | undefined
  memory: ReplicaState
  /** The slot that this replica had before; it is taken again if it is free. */
  slot: number | undefined
  /** Reads the database before the log is followed; only on the first open. */
  load: ((query: Query, seed: number) => Promise<void>) | undefined
  take: (last: number, body: string) => Promise<void>
  onCommitted: (lastId: number, ms: number) => void
  /** A connection has ended, or an internal write has failed. */
  fail: (error: unknown) => void
}

export interface ReplicaConnection {
  slot: number
  read: Query
  writer: LogAppender
  follower: LogReader
  jobs: OrderedWrites
  /** The connection for ordered writes. */
  line: DedicatedConnection
  partitions: Partitions
  /** Resolves when everything that is committed now has been applied. */
  catchUp: () => Promise<void>
  /** A number that is the same for all replicas of a database, and for no others. */
  seed: number
  /** Takes over the share of a stopped replica; undefined: a replica has it again. */
  takeOver: (slot: number) => Promise<TakenOver | undefined>
  close: () => Promise<void>
}

export interface TakenOver {
  writer: LogAppender
  /** The share does not exist any more. */
  retire: () => Promise<void>
  close: () => Promise<void>
}

export async function openReplica(options: ReplicaConnectionOptions): Promise<ReplicaConnection> {
  const { memory, fail } = options
  // A reader must never be ahead of what survives a crash: each commit is on disk before others are notified.
  const database = await toDatabase(options.url, 'full')
  const lines: DedicatedConnection[] = []
  let follower: LogReader | undefined
  let trimming: NodeJS.Timeout | undefined
  async function close() {
    clearInterval(trimming)
    // Running writes end with their connection.
    await Promise.allSettled([...lines.map(line => line.close()), database.close()])
    await follower?.close()
  }
  try {
    const [share, jobConnection, followed] = [await connect(
      database,
      lines,
      fail,
    ), await connect(database, lines, fail), await connect(database, lines, fail)]
    await takePlace(share.query, 'replica')
    await bringUpToDate(share.query, options.partitions)
    await requireWhole(share.query)
    const seed = await prepare(share.query)
    const slot = await claimSlot(share.query, options.slot)
    if (options.load) await options.load(jobConnection.query, seed)
    else await requireLog(jobConnection.query, memory.position())
    follower = await createLogReader({
      line: followed,
      position: memory.position,
      take: options.take,
      onFailure: fail,
    })
    const { reached } = follower
    const catchUp = async () => reached(Number((await database.read('SELECT last FROM head'))[0]?.last))
    async function writerOn(line: DedicatedConnection, slot: number): Promise<LogAppender> {
      const writer = createLogAppender({
        line,
        slot,
        unacknowledged: options.unacknowledged,
        memory,
        reached,
        onFailure: fail,
        onCommitted: options.onCommitted,
        ...(options.mostWaiting !== undefined && { mostWaiting: options.mostWaiting }),
      })
      await writer.restore()
      return writer
    }
    async function takeOver(slot: number): Promise<TakenOver | undefined> {
      const line = await database.dedicated(fail)
      try {
        if (await takeSlot(line.query, slot)) return { writer: await writerOn(line, slot), retire: () => retireSlot(line.query, slot), close: line.close }
      }
      catch (error) {
        await line.close()
        throw error
      }
      await line.close()
      return undefined
    }
    const writer = await writerOn(share, slot)
    trimming = setInterval(() => void writer.trim().catch(fail), TRIM_EVERY_MS).unref()
    const partitions = await openPartitions(jobConnection.query, Date.now)
    await catchUp()
    return { slot, read: database.read, writer, follower, jobs: createOrderedWrites({
      line: jobConnection,
      reached,
    }), line: jobConnection, partitions, catchUp, seed, takeOver, close }
  }
  catch (error) {
    await close()
    throw error
  }
}

async function connect(
  database: Database,
  lines: DedicatedConnection[],
  fail: (error: unknown) => void,
): Promise<DedicatedConnection> {
  const line = await database.dedicated(fail)
  lines.push(line)
  return line
}

/** Where the log continues; an application without replicas may have written since. */
async function prepare(query: Query): Promise<number> {
  await query('BEGIN; LOCK TABLE head; INSERT INTO head (last) SELECT 0 WHERE NOT EXISTS (SELECT 1 FROM head); COMMIT')
  await query(`UPDATE head SET last = f.last FROM (SELECT greatest((SELECT max(last) FROM delivery), (SELECT max(last) FROM batch), (SELECT max(archived) FROM device)) AS last) f WHERE f.last > head.last`)
  await query('INSERT INTO meta (key, value) VALUES (\'cluster\', floor(random() * 9007199254740991)::bigint) ON CONFLICT DO NOTHING')
  return Number((await query('SELECT value FROM meta WHERE key = \'cluster\''))[0]?.value)
}

/** A replica that was away for so long that the log has been trimmed must start again. */
export class OutdatedError extends HistoryError {}

async function requireLog(query: Query, position: number) {
  const trimmed = Number((await query('SELECT value FROM meta WHERE key = \'trimmed\''))[0]?.value ?? 0)
  if (trimmed > position) throw new OutdatedError('This replica was away from the database for so long that it has to start anew.')
}
