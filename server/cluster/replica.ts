// The history of one replica of several that share a database: the same promises as that of an application which is alone
// (`../history/postgres/history.ts`). What it appends it does not take into its own memory: it comes back with the log, as what
// the others append does, and so all replicas know the same in the same order.
import type { History, HistoryOptions } from '../history/contract'
import { storageReport } from '../history/queries/storage-report'
import { exportRange } from '../history/queries/export'
import { createHistoryReader } from '../history/queries/history-reader'
import { createPostgresDocuments, writeDocuments } from '../history/postgres/documents'
import { HistoryError } from '../history/postgres/errors'
import { createPostgresMaintenance } from '../history/postgres/maintenance'
import { createPostgresMarks } from '../history/postgres/marks'
import { createReconnector } from '../history/postgres/reconnector'
import { createPostgresPresence } from '../history/postgres/presence'
import { createPostgresSegmentStore } from '../history/postgres/segment-store'
import { createCommitStats } from '../history/engine/commit-stats'
import { createChartQueries } from '../history/queries/chart-queries'
import type { StoredMessage } from '../history/engine/segments'
import type { Readable } from '../history/engine/segment-store'
import { createStorageStatsCache, createUncompactedCount } from '../history/engine/uncompacted'
import { toBroadcast } from './ordered-writes'
import type { Note } from './ordered-writes'
import { createLeader } from './leader'
import type { Leader } from './leader'
import { createReplicaState } from './replica-state'
import type { Loaded } from './replica-state'
import { openReplica, OutdatedError } from './replica-connection'
import type { ReplicaConnection } from './replica-connection'
import { readLog } from './log-codec'
import type { EntryKind, LogRecord } from './log-codec'
import { orphanedSlots } from './session-slots'
import type { LogAppender } from './log-appender'

const AGAIN_MS = 1_000
const NO_DELIVERY = { packetId: undefined, topic: '', payload: new Uint8Array(), redelivered: false }

export interface ReplicaOptions extends Omit<HistoryOptions, 'onOpen' | 'durability'> {
  url: string
  partitions?: boolean
  mostWaiting?: number
  /** What the database holds, once; what follows begins behind it. */
  onLoad: (loaded: Loaded, seed: number) => void
  /** The next record of the log; a document that it names is there as it is now. */
  onRecord: (record: LogRecord) => void
  /** The records of a batch have been applied. */
  onBatchEnd: () => void
  /** Whether this replica is the one that does what only one does. */
  onLead: (leads: boolean) => void
  /** Whether this replica hears what devices say: else another one has to lead. */
  mayLead?: () => boolean
  /** It has to be started anew. */
  onOutdated: (reason: string) => void
}

/** What a replica is beside a history. */
export interface Replica extends History {
  /** Whose session at the broker it has; undefined while there is no database. */
  slot: () => number | undefined
  leads: () => boolean
  /** Sessions at the broker of replicas that are gone. */
  orphans: () => Promise<number[]>
  /** Takes one of them over; undefined: a replica has it again. */
  takeOver: (slot: number) => Promise<Share | undefined>
  /** The last record that has been taken. */
  position: () => number
  /** Appends a note about a device for all replicas, with the next batch. */
  broadcast: (kind: EntryKind, deviceId: string, value: object, payload?: Uint8Array) => void
  /** Resolves when a record has been taken; rejects never. */
  reached: (id: number) => Promise<void>
  /** Resolves when everything that is committed by now has been taken, at once where there is no database. */
  catchUp: () => Promise<void>
}

/** The share of the messages that comes by one session: what is stored of it, and how. */
export interface Share extends Pick<History, 'isStored' | 'append' | 'commit' | 'sessionResumed' | 'forgetDeliveries'> {
  isOpen: () => boolean
  /** Something of it is not stored yet. */
  isBusy: () => boolean
  /** There is no such session any more. */
  retire: () => Promise<void>
  close: () => Promise<void>
}

interface Opened extends ReplicaConnection { leading: Leader, maintenance: ReturnType<typeof createPostgresMaintenance> }

export function createReplica(options: ReplicaOptions): Replica {
  const now = options.now ?? Date.now
  const memory = createReplicaState(now)
  const progress = createCommitStats()
  let lastSlot: number | undefined
  let isLoaded = false
  const stats = createStorageStatsCache(async () => {
    const { maintenance } = opened()
    return { taken: await maintenance.stats(), bytes: await maintenance.usedBytes() }
  })
  const uncompacted = createUncompactedCount(memory.head)
  const openings = createReconnector<Opened>({
    begin, end,
    onOpened: ({ leading }) => leading.start(),
    onFault: options.onFault,
    againMs: AGAIN_MS,
    isFinal: error => error instanceof OutdatedError,
  })
  const { opened } = openings

  const read = async (text: string, values?: readonly unknown[]) => opened().read(text, values)
  const { documents: table, ...documentTable } = createPostgresDocuments(async given => opened().jobs.work(given))
  const { marks, ...markTable } = createPostgresMarks(async given => opened().jobs.work(given))
  const documents: History['documents'] = {
    ...table,
    async write(changes) {
      try {
        await opened().jobs.appendAndWait(async (query) => {
          await writeDocuments(changes, query)
          return { notes: changes.map(toNote) }
        }, true)
      }
      catch (error) {
        throw toBroadcast(error)
      }
    },
  }
  const presence = createPostgresPresence({ work: async given => opened().jobs.work(given), now, read, idOf: deviceId => memory.ids.get(deviceId) })
  const readable: Readable = {
    segmentStore: createPostgresSegmentStore({ read, retained: memory.retained, newestId: memory.newest }),
    retained: memory.retained,
    device: deviceId => memory.ids.get(deviceId),
    uncompacted: memory.head.of,
    readConsistently,
  }

  /** Another replica may pack: what was packed between two reads is applied first, then the read runs again. */
  async function readConsistently<T>(device: number, ask: (uncompacted: readonly StoredMessage[]) => Promise<T>): Promise<T> {
    for (;;) {
      const before = memory.archivedOf(device)
      const answer = await ask(memory.head.of(device))
      const after = (await read('SELECT archived FROM device WHERE id = $1', [device]))[0]?.archived
      if (after === undefined || Number(after) === before) return answer
      await opened().catchUp()
    }
  }

  function end(lost: Opened, error: unknown) {
    lost.leading.close()
    lost.writer.fail(error)
    void lost.maintenance.stop()
    void lost.close()
  }

  async function take(last: number, body: string) {
    const records = readLog(last, body)
    const named = records.filter(record => record.kind === 'document')
    if (named.length > 0) await documentTable.reload(named.map(({ value }) => value), read)
    for (const record of records) {
      memory.take(record)
      options.onRecord(record)
    }
    memory.passed(last)
    options.onBatchEnd()
  }

  async function begin(lose: (error: unknown) => void): Promise<Opened> {
    const opening = await openReplica({
      url: options.url,
      partitions: options.partitions ?? true,
      unacknowledged: options.unacknowledged,
      mostWaiting: options.mostWaiting,
      memory, take, fail: lose,
      slot: lastSlot,
      onCommitted: progress.committed,
      load: isLoaded ? undefined : load,
    }).catch((error: unknown) => {
      if (error instanceof OutdatedError) options.onOutdated(error.message)
      throw error
    })
    const { jobs, line, partitions, catchUp } = opening
    lastSlot = opening.slot
    progress.begin(memory.position())
    const leading = createLeader({ line, jobs, memory, partitions, presence, stateOf: options.stateOf, catchUp, mayLead: options.mayLead ?? (() => true), onLead: options.onLead, onFailure: lose, now })
    const maintenance = createPostgresMaintenance({
      read: opening.read,
      partitions,
      retained: memory.retained,
      limits: options.retention,
      documentBytes: documentTable.bytes,
      earliest: readable.segmentStore.earliest,
      now,
      pruneNow: options.pruneNow ?? now,
      isOurs: leading.leads,
    })
    return { ...opening, leading, maintenance }
  }

  async function load(query: ReplicaConnection['read'], seed: number) {
    const loaded = await memory.load(query)
    await documentTable.load(query)
    await markTable.load(query)
    isLoaded = true
    options.onLoad(loaded, seed)
  }

  async function packAll(deviceId?: string) {
    const { catchUp, leading } = opened()
    await catchUp()
    const device = deviceId === undefined ? undefined : memory.ids.get(deviceId) ?? -1
    await leading.pack([...memory.head.all()].filter(own => device === undefined || own.device === device))
  }

  return {
    open: openings.open,
    slot: () => openings.current()?.slot,
    leads: () => openings.current()?.leading.leads() ?? false,
    orphans: async () => orphanedSlots(read),
    async takeOver(slot) {
      const from = opened()
      const takenOver = await from.takeOver(slot)
      if (!takenOver) return undefined
      const { writer, retire, close } = takenOver
      return { ...shareOf(writer), retire, close, isOpen: () => openings.current() === from, isBusy: () => writer.waiting() > 0 }
    },
    position: memory.position,
    reached: async id => openings.current()?.follower.reached(id),
    catchUp: async () => openings.current()?.catchUp().catch(() => undefined),
    broadcast(kind, deviceId, value, payload = NO_DELIVERY.payload) {
      const writer = openings.current()?.writer
      try {
        writer?.append(deviceId, kind, JSON.stringify(value), { ...NO_DELIVERY, payload })
        writer?.commit()
      }
      catch {
        // The store has failed and says so itself.
      }
    },
    isStored: delivery => opened().writer.deliveries.isStored(delivery),
    append(record) {
      const fault = openings.fault()
      if (fault !== null) throw new HistoryError(fault)
      shareOf(opened().writer).append(record)
    },
    commit(done) {
      const opening = openings.current()
      if (opening && openings.fault() === null) opening.writer.commit(done)
      else done?.(false)
    },
    sessionResumed: () => openings.current()?.writer.deliveries.sessionResumed(),
    forgetDeliveries: () => opened().writer.forgetDeliveries(),
    fault: openings.fault,
    probe: openings.probe,
    isOpen: () => openings.current() !== undefined,
    ...createChartQueries(() => {
      opened()
      return readable
    }),
    async export(deviceId, from, to) {
      // Only the one that leads packs.
      await packAll(deviceId)
      return exportRange(readable, deviceId, { from, to })
    },
    reader: () => createHistoryReader(readable, memory.named),
    presence: presence.log,
    documents,
    marks,
    async forget(deviceId, changes, done) {
      try {
        const device = memory.ids.get(deviceId)
        await opened().jobs.appendAndWait(async (query) => {
          if (device !== undefined) await query('UPDATE device SET name = NULL, archived = $2, state = NULL WHERE id = $1', [device, memory.position()])
          await writeDocuments(changes, query)
          const gone: Note[] = device === undefined ? [] : [{ kind: 'forgotten', device, value: { deviceId } }]
          return { notes: [...gone, ...changes.map(toNote)], forgets: true }
        }, true)
        presence.forget(deviceId)
        done()
      }
      catch (error) {
        throw toBroadcast(error)
      }
      void openings.current()?.maintenance.run()
    },
    packAll,
    async maintain() {
      stats.clear()
      await openings.current()?.maintenance.run()
    },
    async storage() {
      const { taken, bytes } = await stats.get()
      const report = storageReport({ stats: taken, bytes, limits: options.retention, uncompacted: await uncompacted(), nameOf: device => memory.named.of(device) || undefined, now: now() })
      return { ...report, durability: 'full', fault: openings.fault(), devices: memory.ids.size }
    },
    figures() {
      const opening = openings.current()
      if (!opening) return undefined
      const { writer, maintenance } = opening
      return { ...progress.report(0), uncommitted: writer.waiting(), ...maintenance.measured(), uncompacted: memory.head.size() + writer.waiting(), limitBytes: options.retention.bytes }
    },
    async close() {
      const last = await openings.close(async (opening) => {
        if (opening?.leading.leads()) await presence.flush()
        await opening?.writer.settled()
      })
      last?.leading.close()
      await last?.maintenance.stop()
      await last?.jobs.settled()
      await last?.close()
    },
  }
}

function shareOf({ deliveries, append, commit, forgetDeliveries }: LogAppender): Pick<History, 'isStored' | 'append' | 'commit' | 'sessionResumed' | 'forgetDeliveries'> {
  return {
    isStored: deliveries.isStored,
    append: ({ value, kind, body, delivery }) => append(value.deviceId, kind, body, delivery),
    commit,
    sessionResumed: deliveries.sessionResumed,
    forgetDeliveries,
  }
}

function toNote({ kind, name }: { kind: string, name: string }): Note {
  return { kind: 'document', value: { kind, name } }
}
