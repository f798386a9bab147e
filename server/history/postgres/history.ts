// The history in PostgreSQL, for sites with a database server. It promises the same as SQLite
// (`../sqlite/history.ts`): every accepted message exactly once, also when the application is killed, the database
// restarts or the network fails.
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
  /**
   * False: tables without partitions, from which nothing is pruned for size. For tests, and where the tables exist
   * already.
   */
  partitions?: boolean
  /** Characters of messages that may wait for a slow database. */
  mostWaiting?: number
}

/** `records`: what was restored, until it has been reported. */
interface OpenHistory {
  session: Connections
  store: PostgresStore
  maintenance: ReturnType<typeof createPostgresMaintenance>
  records: Restored['records']
}

export function createPostgresHistory(options: PostgresOptions): History {
  const now = options.now ?? Date.now
  let wasOpen = false
  const progress = createCommitStats()
  const stats = createStorageStatsCache(async () => {
    const { maintenance } = opened()
    return { taken: await maintenance.stats(), bytes: await maintenance.usedBytes() }
  })
  const uncompacted = createUncompactedCount({ all: () => opened().store.head.all(), size: () => opened().store.uncompacted() })
  const reconnector = createReconnector<OpenHistory>({
    begin,
    onOpened,
    end,
    onFault: options.onFault,
    againMs: AGAIN_MS,
  })
  const { opened } = reconnector

  const work = async (given: Work) => opened().store.writer.work(given)
  const { documents, ...documentTable } = createPostgresDocuments(work)
  const { marks, ...markTable } = createPostgresMarks(work)
  const presence = createPostgresPresence({
    work, now,
    read: async (text, values) => opened().session.read(text, values),
    idOf: deviceId => reconnector.current()?.store.readable.device(deviceId),
  })

  async function begin(fail: (error: unknown) => void): Promise<OpenHistory> {
    const session = await openConnections(options.url, options.durability, options.partitions ?? true, fail)
    let store: PostgresStore | undefined
    try {
      store = await openStore({ ...options, session, now, onFailure: fail, onCommitted: progress.committed })
      const records = await store.restore()
      await documentTable.load(session.write)
      await markTable.load(session.write)
      await presence.open(session.write, !wasOpen)
      const { partitions, retained, readable } = store
      const maintenance = createPostgresMaintenance({
        read: session.read,
        partitions,
        retained,
        limits: options.retention,
        documentBytes: documentTable.bytes,
        earliest: readable.segmentStore.earliest,
        now,
        pruneNow: options.pruneNow ?? now,
      })
      return { session, store, maintenance, records }
    }
    catch (error) {
      store?.close()
      presence.close()
      await session.close()
      throw error
    }
  }

  function onOpened(openHistory: OpenHistory) {
    const { store, records } = openHistory
    progress.begin(store.writer.lastId())
    // On a reopen, the state in other rooms is at least as new as what the database holds.
    const devices = store.takeStates()
    openHistory.records = []
    if (wasOpen) options.onReopen?.({ devices, records })
    else options.onOpen({ devices, records })
    wasOpen = true
  }

  function end({ store, maintenance, session }: OpenHistory, error: unknown) {
    presence.close()
    store.close()
    store.writer.fail(error)
    void maintenance.stop()
    void session.close()
  }

  return {
    open: reconnector.open,
    isStored: delivery => opened().store.writer.deliveries.isStored(delivery),
    append(record) {
      const fault = reconnector.fault()
      if (fault !== null) throw new HistoryError(fault)
      opened().store.append(record)
    },
    commit(done) {
      const openHistory = reconnector.current()
      if (openHistory && reconnector.fault() === null) openHistory.store.commit(done)
      else done?.(false)
    },
    sessionResumed: () => reconnector.current()?.store.writer.deliveries.sessionResumed(),
    forgetDeliveries: () => opened().store.writer.forgetDeliveries(),
    fault: reconnector.fault,
    probe: reconnector.probe,
    isOpen: () => reconnector.current() !== undefined,
    ...createChartQueries(() => opened().store.readable),
    async export(deviceId, from, to) {
      const { store } = opened()
      await store.packAll(deviceId)
      return exportRange(store.readable, deviceId, { from, to })
    },
    reader() {
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
      await reconnector.current()?.maintenance.run()
    },
    async storage() {
      const { store } = opened()
      const { taken, bytes } = await stats.get()
      const report = storageReport({ stats: taken, bytes, limits: options.retention, uncompacted: await uncompacted(), nameOf: device => store.named.of(device) || undefined, now: now() })
      return { ...report, durability: options.durability, fault: reconnector.fault(), devices: store.deviceCount() }
    },
    figures() {
      const openHistory = reconnector.current()
      if (!openHistory) return undefined
      const { store, maintenance } = openHistory
      return { ...progress.report(store.writer.lastId()), ...maintenance.measured(), uncompacted: store.uncompacted(), limitBytes: options.retention.bytes }
    },
    async close() {
      const last = await reconnector.close(async (openHistory) => {
        if (openHistory) await presence.flush()
        await openHistory?.store.writer.settled()
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
