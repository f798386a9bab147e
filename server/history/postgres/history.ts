// The history in PostgreSQL: the same promises as that in SQLite (`../history.ts`), for sites that have a database server.
// Every accepted message exactly once, whether the application is killed, the database restarted or the way there cut.
import type { History, HistoryOptions } from '../contract'
import { storageReport } from '../queries/storage-report'
import { exportRange } from '../queries/export'
import { createHistoryReader } from '../queries/history-reader'
import { createCommitStats } from '../engine/commit-stats'
import { createChartQueries } from '../queries/chart-queries'
import type { Restored } from '../engine/records'
import { createStorageStatsCache, createUncompactedCount } from '../engine/uncompacted'
import { createPostgresDocuments, writeDocuments } from './documents'
import { HistoryError, inWords } from './errors'
import { createPostgresMaintenance } from './maintenance'
import { createPostgresMarks } from './marks'
import { createPostgresPresence } from './presence'
import { createReconnector } from './reconnector'
import { openConnections } from './open-connections'
import type { Connections } from './connections'
import { openStore } from './store'
import type { PostgresStore } from './store'
import type { Work } from './writer'

const AGAIN_MS = 2_000

export interface PostgresOptions extends HistoryOptions {
  url: string
  /** False: tables that are not divided by time, of which nothing is given up for its size. For tests, and where the tables are there already. */
  partitions?: boolean
  /** Characters of messages that may wait for a slow database. */
  mostWaiting?: number
}

/** `records`: what is to be told of it, until that is done. */
interface Opening { session: Connections, store: PostgresStore, maintenance: ReturnType<typeof createPostgresMaintenance>, records: Restored['records'] }

export function createPostgresHistory(options: PostgresOptions): History {
  const now = options.now ?? Date.now
  let wasOpen = false
  const progress = createCommitStats()
  const stats = createStorageStatsCache(async () => {
    const { maintenance } = opened()
    return { taken: await maintenance.stats(), bytes: await maintenance.usedBytes() }
  })
  const uncompacted = createUncompactedCount({ all: () => opened().store.head.all(), size: () => opened().store.uncompacted() })
  const openings = createReconnector<Opening>({ begin, onBegun, end, onFault: options.onFault, againMs: AGAIN_MS })
  const { opened } = openings

  const work = async (given: Work) => opened().store.writer.work(given)
  const { documents, ...documentTable } = createPostgresDocuments(work)
  const { marks, ...markTable } = createPostgresMarks(work)
  const presence = createPostgresPresence({
    work, now,
    read: async (text, values) => opened().session.read(text, values),
    idOf: deviceId => openings.current()?.store.readable.device(deviceId),
  })

  async function begin(lose: (error: unknown) => void): Promise<Opening> {
    const session = await openConnections(options.url, options.durability, options.partitions ?? true, lose)
    let store: PostgresStore | undefined
    try {
      store = await openStore({ ...options, session, now, onFailure: lose, onCommitted: progress.kept })
      const records = await store.restore()
      await documentTable.load(session.write)
      await markTable.load(session.write)
      await presence.open(session.write, !wasOpen)
      const { partitions, kept, readable } = store
      const maintenance = createPostgresMaintenance({ read: session.read, partitions, kept, limits: options.retention, documentBytes: documentTable.bytes, earliest: readable.segmentStore.earliest, now, pruneNow: options.pruneNow ?? now })
      return { session, store, maintenance, records }
    }
    catch (error) {
      store?.close()
      presence.close()
      await session.close()
      throw error
    }
  }

  function onBegun(opening: Opening) {
    const { store, records } = opening
    progress.begin(store.writer.lastId())
    // What is in memory elsewhere is at least as new as what is found when it is opened once more.
    const devices = store.takeStates()
    opening.records = []
    if (wasOpen) options.onReopen?.({ devices, records })
    else options.onOpen({ devices, records })
    wasOpen = true
  }

  function end({ store, maintenance, session }: Opening, error: unknown) {
    presence.close()
    store.close()
    store.writer.fail(error)
    void maintenance.stop()
    void session.close()
  }

  return {
    open: openings.open,
    isStored: delivery => opened().store.writer.deliveries.isStored(delivery),
    append(record) {
      const fault = openings.fault()
      if (fault !== null) throw new HistoryError(fault)
      opened().store.append(record)
    },
    commit(done) {
      const opening = openings.current()
      if (opening && openings.fault() === null) opening.store.commit(done)
      else done?.(false)
    },
    sessionResumed: () => openings.current()?.store.writer.deliveries.sessionResumed(),
    forgetDeliveries: () => opened().store.writer.forgetDeliveries(),
    fault: openings.fault,
    probe: openings.probe,
    isOpen: () => openings.current() !== undefined,
    ...createChartQueries(() => opened().store.readable),
    async export(deviceId, from, to) {
      const { store } = opened()
      await store.packAll(deviceId)
      return exportRange(store.readable, deviceId, { from, to })
    },
    past() {
      const { readable, named } = opened().store
      return createHistoryReader(readable, named)
    },
    presence: presence.log,
    documents,
    marks,
    async forget(deviceId, changes, done) {
      const { store, maintenance } = opened()
      try {
        await store.writer.work({
          begin() {
            const device = store.readable.device(deviceId) ?? null
            const lastId = store.writer.lastId()
            return async (query) => {
              await query('UPDATE device SET name = NULL, archived = $2, state = NULL WHERE id = $1', [device, lastId])
              await writeDocuments(changes, query)
            }
          },
          done() {
            store.drop(deviceId)
            documentTable.apply(changes)
            presence.forget(deviceId)
            done()
          },
        })
      }
      catch (error) {
        throw new Error(inWords(error), { cause: error })
      }
      void maintenance.run()
    },
    packAll: async deviceId => opened().store.packAll(deviceId),
    async maintain() {
      stats.clear()
      await openings.current()?.maintenance.run()
    },
    async storage() {
      const { store } = opened()
      const { taken, bytes } = await stats.get()
      const report = storageReport({ stats: taken, bytes, limits: options.retention, uncompacted: await uncompacted(), nameOf: device => store.named.of(device) || undefined, now: now() })
      return { ...report, durability: options.durability, fault: openings.fault(), devices: store.deviceCount() }
    },
    figures() {
      const opening = openings.current()
      if (!opening) return undefined
      const { store, maintenance } = opening
      return { ...progress.report(store.writer.lastId()), ...maintenance.measured(), uncompacted: store.uncompacted(), limitBytes: options.retention.bytes }
    },
    async close() {
      const last = await openings.close(async (opening) => {
        if (opening) await presence.flush()
        await opening?.store.writer.settled()
      })
      wasOpen = false
      presence.close()
      documentTable.clear()
      last?.store.close()
      await last?.maintenance.stop()
      await last?.session.close()
    },
  }
}
