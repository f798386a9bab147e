// Owns everything that is on disk: every accepted message exactly once, its rollups, the last state of every device.
// Promises that what was committed is there after any crash. Never holds the event loop for longer than a few milliseconds.
import type { DatabaseSync } from 'node:sqlite'
import type { Storage } from '#shared/schemas/storage'
import { openDatabase } from './database'
import type { Durability } from './database'
import { inWords } from './faults'
import type { Delivery } from './journal'
import { createMaintenance } from './maintenance'
import type { Maintenance } from './maintenance'
import { createPacker } from './packer'
import type { ReadableStore } from './reading'
import type { RetentionLimits } from './retention'
import { nextTurn } from './slices'
import { createStore } from './store'
import type { NewRecord, Restored, Store } from './store'
import type { DeviceTail } from './tail'

export interface HistoryOptions {
  file: string
  durability: Durability
  retention: RetentionLimits
  /** Deliveries that can be under way at once: MQTT's Receive Maximum. */
  unacknowledged: number
  /** The last state of a device as JSON text; it is kept beside the packed messages. */
  stateOf: (deviceId: string) => string | undefined
  /** The store has failed (with the reason in words), or is well again (`null`). */
  onFault: (reason: string | null) => void
  onDamaged: (movedTo: string) => void
  /** What the database holds, on opening; to be read to the end. */
  onOpen: (restored: Restored) => void
  now?: () => number
}

export interface History {
  /** Opens the database; where that fails, {@link History.fault} says why and {@link History.probe} tries again. */
  open: () => void
  /** Whether a delivery is the repetition of one that is stored already. */
  isStored: (delivery: Delivery) => boolean
  /** Adds a record; it is kept once {@link History.commit} has returned. @throws when the store fails. */
  append: (record: NewRecord) => void
  /** Puts what was appended on disk. @throws when the store fails: then nothing since the last commit is kept. */
  commit: () => void
  /** The broker has forgotten our session: nothing will be redelivered. */
  forgetDeliveries: () => void
  /** The broker goes on with our session: repetitions come first. */
  sessionResumed: () => void
  /** Why nothing can be stored at the moment, or null. */
  fault: () => string | null
  /** Tries to write; true when the store is well (again). */
  probe: () => boolean
  isOpen: () => boolean
  /** What can be read: the archive, and per device what is not packed yet. */
  read: () => ReadableStore
  /** Packs everything, or one device, now. */
  packAll: (deviceId?: string) => void
  /** Prunes and counts now instead of within the minute. */
  maintain: () => Promise<void>
  /** What is kept and what it costs. */
  storage: () => Promise<Storage>
  close: () => void
}

export function createHistory(options: HistoryOptions): History {
  const now = options.now ?? Date.now
  let database: DatabaseSync | undefined
  let store: Store | undefined
  let maintenance: Maintenance | undefined
  let names = new Map<number, string>()
  let inTransaction = false
  let fault: string | null = null

  function opened() {
    if (!database || !store) throw new Error('The history is not open.')
    return { database, store }
  }

  /** Runs a change; a failure rolls back, is remembered and thrown on. */
  function guarded<T>(change: (parts: { database: DatabaseSync, store: Store }) => T): T {
    const parts = opened()
    try {
      return change(parts)
    }
    catch (error) {
      rollBack()
      setFault(inWords(error))
      throw error
    }
  }

  function setFault(reason: string | null) {
    if (reason === fault) return
    fault = reason
    options.onFault(reason)
  }

  function begin(database: DatabaseSync) {
    if (inTransaction) return
    database.exec('BEGIN IMMEDIATE')
    inTransaction = true
  }

  function commit() {
    if (!inTransaction) return
    guarded(({ database, store }) => {
      store.beforeCommit()
      database.exec('COMMIT')
      inTransaction = false
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
    inTransaction = false
    store?.rolledBack()
  }

  function pack(due: readonly DeviceTail[], more: () => boolean): number {
    // What the current turn has appended is committed with its acknowledgements, not with this.
    if (inTransaction || fault !== null) return 0
    return guarded(({ database, store }) => {
      begin(database)
      const done: DeviceTail[] = []
      for (const tail of due) {
        store.pack(tail, options.stateOf(nameOf(tail.device)))
        done.push(tail)
        if (!more()) break
      }
      commit()
      store.packed(done)
      return done.length
    })
  }

  /** Background work in a transaction of its own; not while a turn is being stored, nor while the store has failed. */
  function transact(change: () => void): boolean {
    if (inTransaction || fault !== null || !database) return false
    guarded(({ database }) => {
      begin(database)
      change()
      commit()
    })
    return true
  }

  function nameOf(device: number): string {
    const held = names.get(device)
    if (held !== undefined) return held
    names = new Map(opened().database.prepare('SELECT id, name FROM device').all().map(({ id, name }) => [Number(id), String(name)]))
    return names.get(device) ?? ''
  }

  async function trimJournal() {
    for (let more = true; more;) {
      if (!transact(() => { more = store?.trimJournal() ?? false })) return
      await nextTurn()
    }
  }

  const packer = createPacker({
    tails: () => store?.tail.all() ?? [],
    size: () => store?.tail.size() ?? 0,
    pack,
    onIdle: () => void trimJournal(),
    now,
  })

  function open() {
    try {
      database = openDatabase(options.file, options.durability, options.onDamaged)
      store = createStore(database, options.unacknowledged, now)
      options.onOpen(store.restore())
      packer.start()
      maintenance = createMaintenance({ database, store, limits: options.retention, transact, now })
    }
    catch (error) {
      close()
      setFault(inWords(error))
    }
  }

  function close() {
    packer.stop()
    maintenance?.stop()
    maintenance = undefined
    database?.close()
    database = undefined
    store = undefined
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
    commit,
    sessionResumed: () => store?.sessionResumed(),
    forgetDeliveries: () => guarded(({ store }) => store.forgetDeliveries()),
    fault: () => fault,
    probe() {
      try {
        if (!database) open()
        opened().database.exec('BEGIN IMMEDIATE; INSERT INTO meta (key, value) VALUES (\'probe\', 1) ON CONFLICT (key) DO UPDATE SET value = value + 1; COMMIT')
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
    read() {
      const { store } = opened()
      return { archive: store.archive, kept: store.kept, device: store.idOf, unpacked: store.tail.of }
    },
    packAll(deviceId) {
      const { store } = opened()
      const device = deviceId === undefined ? undefined : store.idOf(deviceId)
      const tails = [...store.tail.all()].filter(tail => device === undefined || tail.device === device)
      if (tails.length > 0) pack(tails, () => true)
      if (deviceId === undefined) transact(() => trimAll(store))
    },
    maintain: () => maintenance?.run() ?? Promise.resolve(),
    async storage() {
      const { store } = opened()
      const report = await maintenance?.report(nameOf)
      if (!report) throw new Error('The history is not open.')
      return { ...report, durability: options.durability, fault, devices: store.deviceCount() }
    },
    close() {
      if (inTransaction) commit()
      close()
    },
  }
}

function trimAll(store: Store) {
  while (store.trimJournal());
}
