// The history in PostgreSQL: the same promises as that in SQLite (`../history.ts`), for sites that have a database server.
// Every accepted message exactly once, whether the application is killed, the database restarted or the way there cut.
import { packedHours } from '../archive'
import type { Census } from '../census'
import type { History, HistoryOptions } from '../contract'
import { storageReport } from '../maintenance'
import { createPast } from '../past'
import { createProgress } from '../progress'
import { createQuestions } from '../reading'
import { createPostgresDocuments, writeDocuments } from './documents'
import { HistoryError, inWords } from './faults'
import { createPostgresMaintenance } from './maintenance'
import { createPostgresPresence } from './presence'
import { openSession } from './session'
import type { Session } from './session'
import { openStore } from './store'
import type { PostgresStore } from './store'
import type { Work } from './writer'

/** So often a database that is away is tried again, whether or not anybody asks. */
const AGAIN_MS = 2_000
const NOT_OPEN = 'The history is not open.'
/** So old a count of everything may be that is told. */
const CENSUS_MS = 60_000

export interface PostgresOptions extends HistoryOptions {
  url: string
  /** False: tables that are not divided by time, of which nothing is given up for its size. For tests, and where the tables are there already. */
  partitions?: boolean
  /** Characters of messages that may wait for a slow database. */
  mostWaiting?: number
}

interface Opening { session: Session, store: PostgresStore, maintenance: ReturnType<typeof createPostgresMaintenance> }

export function createPostgresHistory(options: PostgresOptions): History {
  const now = options.now ?? Date.now
  let opening: Opening | undefined
  let trying: Promise<void> | undefined
  let fault: string | null = null
  let wasOpen = false
  let again: NodeJS.Timeout | undefined
  const progress = createProgress()
  let census: { taken: Census, bytes: number, atMs: number } | undefined

  function opened(): Opening {
    if (!opening) throw new HistoryError(fault ?? NOT_OPEN)
    return opening
  }

  const work = async (given: Work) => opened().store.writer.work(given)
  const { documents, ...documentTable } = createPostgresDocuments(work)
  const presence = createPostgresPresence({
    work, now,
    read: async (text, values) => opened().session.read(text, values),
    idOf: deviceId => opening?.store.readable.device(deviceId),
  })

  function setFault(reason: string | null) {
    if (reason === fault) return
    fault = reason
    options.onFault(reason)
  }

  /** What is in memory is not what is in the database any more. */
  function onFailure(error: unknown) {
    const lost = opening
    opening = undefined
    presence.close()
    setFault(inWords(error))
    tryLater()
    if (!lost) return
    lost.store.close()
    lost.store.writer.fail(error)
    void lost.maintenance.stop()
    void lost.session.close()
  }

  async function begin() {
    let session: Session | undefined
    let isLost = false
    const lose = (error: unknown) => {
      isLost = true
      if (opening?.session === session) onFailure(error)
    }
    try {
      session = await openSession(options.url, options.durability, options.partitions ?? true, lose)
      const store = await openStore({ ...options, session, now, onFailure: lose, onKept: progress.kept })
      const records = await store.restore()
      await documentTable.load(session.write)
      await presence.open(session.write, !wasOpen)
      if (isLost) throw new Error('The connection has ended.')
      const { partitions, kept } = store
      opening = { session, store, maintenance: createPostgresMaintenance({ read: session.read, partitions, kept, limits: options.retention, documentBytes: documentTable.bytes, earliest: store.readable.shelf.earliest, now }) }
      progress.begin(store.writer.lastId())
      // What is in memory elsewhere is at least as new as what is found when it is opened once more.
      const devices = store.takeStates()
      if (!wasOpen) options.onOpen({ devices, records })
      wasOpen = true
    }
    catch (error) {
      opening?.store.close()
      opening = undefined
      presence.close()
      await session?.close()
      setFault(inWords(error))
      tryLater()
    }
  }

  function tryLater() {
    clearTimeout(again)
    again = setTimeout(() => void open(), AGAIN_MS).unref()
  }

  async function open() {
    clearTimeout(again)
    if (opening) return
    await (trying ??= begin().finally(() => { trying = undefined }))
  }

  async function countAll({ maintenance }: Opening) {
    if (!census || Date.now() - census.atMs > CENSUS_MS) census = { taken: await maintenance.census(), bytes: await maintenance.usedBytes(), atMs: Date.now() }
    return census
  }

  return {
    open,
    isStored: delivery => opened().store.writer.deliveries.isStored(delivery),
    append(record) {
      if (fault !== null) throw new HistoryError(fault)
      opened().store.append(record)
    },
    commit(done) {
      if (opening && fault === null) opening.store.commit(done)
      else done?.(false)
    },
    sessionResumed: () => opening?.store.writer.deliveries.sessionResumed(),
    forgetDeliveries: () => opened().store.writer.forgetDeliveries(),
    fault: () => fault,
    probe() {
      // Only now: until whoever stores asks, messages come that it only looks at, and that the broker delivers again.
      if (opening) setFault(null)
      else void open()
      return fault === null
    },
    isOpen: () => opening !== undefined,
    ...createQuestions(() => opened().store.readable),
    async export(deviceId, from, to) {
      const { store } = opened()
      await store.packAll(deviceId)
      const { shelf, device } = store.readable
      const id = device(deviceId) ?? -1
      return { messages: await shelf.countMessages(id, from, to), hours: packedHours(shelf, id, from, to) }
    },
    past() {
      const { readable, named } = opened().store
      return createPast(readable, named)
    },
    presence: presence.log,
    documents,
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
      census = undefined
      await opening?.maintenance.run()
    },
    async storage() {
      const { store } = opened()
      const { taken, bytes } = await countAll(opened())
      const report = storageReport({ census: taken, bytes, limits: options.retention, unpacked: store.unpacked(), nameOf: device => store.named.of(device) || undefined, now: now() })
      return { ...report, durability: options.durability, fault, devices: store.deviceCount() }
    },
    figures() {
      if (!opening) return undefined
      const { store, maintenance } = opening
      return { ...progress.report(store.writer.lastId()), ...maintenance.measured(), unpacked: store.unpacked(), limitBytes: options.retention.bytes }
    },
    async close() {
      await trying
      clearTimeout(again)
      if (opening) await presence.flush()
      await opening?.store.writer.settled()
      const last = opening
      opening = undefined
      wasOpen = false
      presence.close()
      documentTable.clear()
      last?.store.close()
      await last?.maintenance.stop()
      await last?.session.close()
    },
  }
}
