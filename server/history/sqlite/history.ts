// The history in SQLite: every accepted message exactly once, its rollups, and the last state of every device. What
// was committed exists after any crash. No call blocks the event loop for longer than a few milliseconds.
import type { DatabaseSync } from 'node:sqlite'
import { startWalCheckpointer } from './wal-checkpointer'
import type { WalCheckpointer } from './wal-checkpointer'
import { createGroupCommit } from '../engine/group-commit'
import type { GroupCommit, OnCommitted } from '../engine/group-commit'
import type { History, HistoryOptions } from '../contract'
import { canBeWritten, openDatabase, probe } from './database'
import { createDocuments, createDocumentTable } from '../documents'
import type { DocumentTable } from '../documents'
import { inWords } from '../engine/errors'
import { createMaintenance } from './maintenance'
import { createMarkTable } from '../marks'
import type { MarkTable } from '../marks'
import type { Maintenance } from './maintenance'
import { createCompactor } from '../engine/compactor'
import { exportRange } from '../queries/export'
import { createHistoryReader } from '../queries/history-reader'
import { createChartQueries } from '../queries/chart-queries'
import { createPresenceLog } from './presence-log'
import { createCommitStats } from '../engine/commit-stats'
import { usedBytes } from './retention'
import { createGate, nextTurn } from '../engine/scheduler'
import { createSqliteNames } from './segment-store'
import { createStore } from './store'
import type { Store } from './store'
import type { DeviceHead } from '../engine/head'

export interface SqliteOptions extends HistoryOptions {
  file: string
  /** The file was damaged and has been renamed. */
  onDamaged: (movedTo: string) => void
}

/** SQLite answers at once, except where the disk must be waited for. */
export interface SqliteHistory extends History {
  open: () => void
  packAll: (deviceId?: string) => void
  close: () => void
  presence: ReturnType<typeof createPresenceLog>
}

export function createHistory(options: SqliteOptions): SqliteHistory {
  const now = options.now ?? Date.now
  let database: DatabaseSync | undefined
  let store: Store | undefined
  let maintenance: Maintenance | undefined
  /** Only with `full` durability. */
  let commits: GroupCommit | undefined
  let checkpoints: WalCheckpointer | undefined
  let documents: DocumentTable | undefined
  let marks: MarkTable | undefined
  let names = new Map<number, string>()
  // Closed during a transaction. Background work waits for it: under load, the next turn of the event loop would
  // always bring the next transaction.
  const gate = createGate()
  const progress = createCommitStats()
  let trimming = false
  /** It can only be read: reopened as soon as it can be written. */
  let isReadOnly = false
  let fault: string | null = null

  function opened() {
    if (!database || !store) throw new Error('The history is not open.')
    return { database, store }
  }

  /** Runs a change; a failure rolls back, sets the fault and is thrown again. */
  function guarded<T>(change: (parts: { database: DatabaseSync, store: Store }) => T): T {
    const parts = opened()
    try {
      return change(parts)
    }
    catch (error) {
      rollBack()
      setFault(inWords(error))
      commits?.drop()
      throw error
    }
  }

  function setFault(reason: string | null) {
    if (reason === fault) return
    fault = reason
    options.onFault(reason)
  }

  function begin(database: DatabaseSync) {
    if (gate.isClosed()) return
    database.exec('BEGIN IMMEDIATE')
    gate.close()
  }

  function commitThen(done: OnCommitted) {
    // Background work may have failed since the last turn: what came after it was not even appended.
    if (fault !== null) return done(false)
    if (commits) return commits.end(done)
    commitNow()
    done(true)
  }

  /** With `normal` durability no caller waits for the disk. */
  function commitNow() {
    if (!gate.isClosed()) return
    const began = performance.now()
    commit()
    progress.committed(lastId(), performance.now() - began)
  }

  /** It may or may not be on disk: what the broker delivers again is accepted as new. */
  function onSyncFault(error: Error) {
    store?.distrustDeliveries()
    setFault(inWords(error))
  }

  function lastId(): number {
    return store?.lastId() ?? 0
  }

  function commit() {
    if (!gate.isClosed()) return
    guarded(({ database, store }) => {
      store.beforeCommit()
      database.exec('COMMIT')
      gate.open()
      store.committed()
    })
  }

  function rollBack() {
    if (database?.isTransaction) {
      try {
        database.exec('ROLLBACK')
      }
      catch {
        // A failed disk may refuse even that; the transaction ends with the connection.
      }
    }
    gate.open()
    const taken = store?.rolledBack() ?? []
    if (taken.length > 0) options.onTakenBack?.(taken)
  }

  function pack(due: readonly DeviceHead[], more: () => boolean): number {
    // What the current turn has appended is committed with its acknowledgements, not here.
    if (gate.isClosed() || fault !== null) return 0
    return guarded(({ database, store }) => {
      begin(database)
      const done: DeviceHead[] = []
      for (const head of due) {
        // It may have been deleted since.
        if (store.head.holds(head)) store.pack(head, options.stateOf(nameOf(head.device)))
        done.push(head)
        if (!more()) break
      }
      commit()
      store.packed(done)
      return done.length
    })
  }

  /** Work in a transaction of its own; not while a turn is being stored or the store has failed. */
  function transactNow(change: () => void): boolean {
    if (gate.isClosed() || fault !== null || !database) return false
    guarded(({ database }) => {
      begin(database)
      change()
      commit()
    })
    return true
  }

  /** Background work: {@link transactNow}, as soon as no turn is being stored. */
  async function transact(change: () => void): Promise<boolean> {
    await checkpoints?.room()
    await gate.passed()
    return transactNow(change)
  }

  async function finishCheckpoint() {
    await gate.passed()
    if (fault !== null) return
    try {
      checkpoints?.finish()
    }
    catch (error) {
      setFault(inWords(error))
    }
  }

  function nameOf(device: number): string {
    const held = names.get(device)
    if (held !== undefined) return held
    names = new Map(opened().database.prepare('SELECT id, name FROM device').all().map(({ id, name }) => [Number(id), String(name)]))
    return names.get(device) ?? ''
  }

  async function trimJournal() {
    if (trimming) return
    trimming = true
    try {
      for (let more = true; more && await transact(() => { more = store?.trimJournal() ?? false });) await nextTurn()
    }
    catch {
      // The store has failed and reports that itself.
    }
    trimming = false
  }

  const compactor = createCompactor({
    heads: () => store?.head.all() ?? [],
    size: () => store?.head.size() ?? 0,
    pack,
    idle: gate.passed,
    onIdle: () => void trimJournal(),
    now,
  })

  const presence = createPresenceLog({ transact, transactNow, now })

  function open() {
    try {
      const opening = openDatabase(options.file, options.onDamaged)
      database = opening.database
      isReadOnly = opening.unwritable !== null
      // Reads work as usual; new messages are not stored, and the fault says so.
      if (isReadOnly) setFault(opening.unwritable)
      if (options.durability === 'full' && !isReadOnly) commits = createGroupCommit(
        options.file,
        { commit, rollBack, isFailed: () => fault !== null, onSyncFault, lastId, onCommitted: progress.committed },
      )
      store = createStore(database, options.unacknowledged, now)
      documents = createDocumentTable(database)
      marks = createMarkTable(database)
      options.onOpen(store.restore())
      progress.begin(lastId())
      presence.open(database, store.idOf, !isReadOnly)
      maintenance = createMaintenance({ database, store, limits: options.retention, transact, now, pruneNow: options.pruneNow ?? now })
      if (isReadOnly) return
      compactor.start()
      checkpoints = startWalCheckpointer(database, options.file, () => void finishCheckpoint())
    }
    catch (error) {
      close()
      setFault(inWords(error))
    }
  }

  function close() {
    compactor.stop()
    presence.close()
    maintenance?.stop()
    maintenance = undefined
    commits?.close()
    commits = undefined
    checkpoints?.stop()
    checkpoints = undefined
    database?.close()
    database = undefined
    isReadOnly = false
    store = undefined
    documents = marks = undefined
  }

  function packAll(deviceId?: string) {
    const { store } = opened()
    const device = deviceId === undefined ? undefined : store.idOf(deviceId)
    const heads = [...store.head.all()].filter(head => device === undefined || head.device === device)
    if (heads.length > 0) pack(heads, () => true)
    if (deviceId === undefined) transactNow(() => { while (store.trimJournal()); })
  }

  return {
    open,
    isStored: delivery => opened().store.isStored(delivery),
    append(record) {
      guarded(({ database, store }) => {
        begin(database)
        store.append(record)
      })
    },
    commit: done => done ? commitThen(done) : commitNow(),
    sessionResumed: () => store?.sessionResumed(),
    forgetDeliveries: () => guarded(({ store }) => store.forgetDeliveries()),
    fault: () => fault,
    probe() {
      try {
        if (isReadOnly && canBeWritten(options.file)) close()
        if (!database) open()
        if (isReadOnly) return false
        probe(opened().database)
      }
      catch (error) {
        rollBack()
        if (database) setFault(inWords(error))
        return false
      }
      setFault(null)
      return true
    },
    isOpen: () => store !== undefined,
    ...createChartQueries(() => opened().store.readable),
    async export(deviceId, from, to) {
      // What is packed need not be held in memory for the time of the export.
      packAll(deviceId)
      return exportRange(opened().store.readable, deviceId, { from, to })
    },
    reader() {
      const { database, store } = opened()
      return createHistoryReader(store.readable, createSqliteNames(database))
    },
    presence,
    marks: {
      get: name => marks?.get(name),
      async add(name, by) {
        if (!await transact(() => marks?.add(name, by))) throw new Error(fault ?? 'The history is not open.')
      },
    },
    documents: createDocuments({ table: () => documents, fault: () => fault, idle: gate.passed, transact: transactNow, settled: commitThen }),
    async forget(deviceId, changes, done) {
      await gate.passed()
      const forgotten = transactNow(() => {
        store?.detach(deviceId)
        documents?.apply(changes)
      })
      if (!forgotten) throw new Error(fault ?? 'The history is not open.')
      store?.detached(deviceId)
      presence.forget(deviceId)
      names = new Map()
      done()
      void maintenance?.run()
    },
    packAll,
    maintain: () => maintenance?.run() ?? Promise.resolve(),
    async storage() {
      const { store } = opened()
      const report = await maintenance?.report(nameOf)
      if (!report) throw new Error('The history is not open.')
      return { ...report, durability: options.durability, fault, devices: store.deviceCount() }
    },
    figures() {
      if (!database || !store) return undefined
      return { ...progress.report(lastId()), uncompacted: store.head.size(), usedBytes: usedBytes(database), limitBytes: options.retention.bytes, rawFrom: maintenance?.rawFrom() }
    },
    close() {
      if (gate.isClosed()) commit()
      presence.flush()
      close()
    },
  }
}
