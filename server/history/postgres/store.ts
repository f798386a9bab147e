// One open database: its state in memory, and what is written into it. On any failure it is thrown away and the
// database is read again: that also shows whether an unconfirmed transaction was committed.
import type { OnCommitted } from '../engine/group-commit'
import type { HistoryOptions } from '../contract'
import { readBatch, isSample, toStored } from '../engine/records'
import type { JournalRecord, NewRecord, Restored } from '../engine/records'
import { dueHeads, CHECK_EVERY_MS } from '../engine/compactor'
import type { DeviceNames } from '../queries/history-reader'
import type { RetainedFrom } from '../engine/rollup-store'
import type { StoredMessage } from '../engine/segments'
import type { Readable } from '../engine/segment-store'
import { createHead } from '../engine/head'
import type { DeviceHead } from '../engine/head'
import { createGate } from '../engine/scheduler'
import { requireWhole } from './migration-guard'
import { unescapeNul } from './nul-escaping'
import { packDevices } from './compaction'
import type { DeviceToPack } from './compaction'
import { openPartitions } from './partitions'
import { batchesOf } from './batches'
import type { Connections } from './connections'
import { createPostgresSegmentStore } from './segment-store'
import { createWriter } from './writer'

const BATCHES_PER_READ = 200

export interface PostgresStoreOptions extends Pick<HistoryOptions, 'unacknowledged' | 'stateOf'> {
  session: Connections
  now: () => number
  onFailure: (error: unknown) => void
  onCommitted: (lastId: number, ms: number) => void
  mostWaiting?: number | undefined
}

export async function openStore({ session, unacknowledged, stateOf, now, onFailure, onCommitted, mostWaiting }: PostgresStoreOptions) {
  const { read, write } = session
  await requireWhole(write)
  const meta = new Map((await write('SELECT key, value FROM meta')).map(({ key, value }) => [String(key), Number(value)]))
  const retained: RetainedFrom & { hour: number } = {
    raw: meta.get('raw') ?? 0,
    minute: meta.get('minute') ?? 0,
    hour: meta.get('hour') ?? 0,
  }
  const partitions = await openPartitions(write, now)
  const ids = new Map<string, number>()
  const names = new Map<number, string>()
  const archived = new Map<number, number>()
  let states: Restored['devices'] = []
  for (const row of await write('SELECT id, name, archived, state FROM device WHERE name IS NOT NULL ORDER BY id')) {
    const [id, deviceId] = [Number(row.id), unescapeNul(row.name)]
    ids.set(deviceId, id)
    names.set(id, deviceId)
    archived.set(id, Number(row.archived))
    if (typeof row.state === 'string') states.push({ deviceId, state: JSON.parse(row.state) })
  }
  const highest = (await write('SELECT greatest((SELECT max(last) FROM delivery), (SELECT max(last) FROM batch), (SELECT max(last) FROM head)) AS journal, (SELECT max(archived) FROM device) AS packed, (SELECT max(id) FROM segment) AS segment'))[0]
  let newestSegment = Number(highest?.segment ?? 0)
  let nextDevice = 1 + (meta.get('device') ?? 0)
  const head = createHead(now)
  /**
   * Devices that are being packed. Until that is committed, readers wait, and what was read meanwhile is read again.
   */
  const packing = new Set<number>()
  const packingGate = createGate()
  let packed = Promise.resolve()
  let isOpen = true

  const writer = createWriter({
    session, unacknowledged, onFailure, onCommitted,
    nextId: 1 + Math.max(Number(highest?.journal ?? 0), Number(highest?.packed ?? 0)),
    ...(mostWaiting !== undefined && { mostWaiting }),
  })

  async function* batches(): AsyncGenerator<{ last: number, body: string }> {
    for (let last = 0, more = true; more;) {
      const rows = await write(`SELECT last, body FROM batch WHERE last > $1 ORDER BY last LIMIT ${BATCHES_PER_READ}`, [last])
      for (const row of rows) yield { last: Number(row.last), body: String(row.body) }
      last = Number(rows.at(-1)?.last)
      more = rows.length === BATCHES_PER_READ
    }
  }

  /** Reads what is not packed yet. */
  async function restore(): Promise<JournalRecord[]> {
    for (const { last, packets } of await write('SELECT last, packets FROM delivery WHERE slot = 0 ORDER BY last')) writer.deliveries.restore(Number(last), packets, meta.get('forgotten') ?? 0)
    const records: JournalRecord[] = []
    for await (const { last, body } of batches()) {
      for (const record of readBatch(last, body)) {
        // A device without a name is deleted.
        if (record.id <= (archived.get(record.device) ?? Infinity)) continue
        if (isSample(record)) head.add(record.device, record.id, toStored(record.value))
        else head.note(record.device, record.id)
        records.push(record)
      }
    }
    return records
  }

  function idOf(deviceId: string): number {
    const known = ids.get(deviceId)
    if (known !== undefined) return known
    const id = nextDevice++
    ids.set(deviceId, id)
    names.set(id, deviceId)
    writer.addDevice(id, deviceId)
    return id
  }

  function snapshot(heads: readonly DeviceHead[]): DeviceToPack[] {
    // It may have been deleted or packed since; then nothing is left, or only what came after.
    return heads.flatMap(({ device }) => head.held(device) ?? []).map(own => ({ device: own.device, messages: own.messages(), lastId: own.lastId, state: stateOf(names.get(own.device) ?? '') }))
  }

  /** Packs some devices in one transaction, with their messages when it begins. */
  async function packSome(heads: readonly DeviceHead[]) {
    let taken: DeviceToPack[] = []
    let segments = 0
    await writer.work({
      begin() {
        taken = snapshot(heads)
        for (const { device } of taken) packing.add(device)
        packingGate.close()
        return async (query) => { segments = await packDevices(taken, newestSegment, { query, partitions, retained }) }
      },
      done() {
        newestSegment += segments
        for (const { device, messages, lastId } of taken) {
          head.packed(device, messages.length, lastId)
          packing.delete(device)
        }
        packingGate.open()
      },
    })
  }

  function pack(heads: readonly DeviceHead[]): Promise<void> {
    return packed = packed.catch(() => {}).then(async () => {
      for (const some of batchesOf(heads)) {
        if (isOpen) await packSome(some)
      }
    })
  }

  /** Deletes packed records from the journal, but not the data that recognises redeliveries. */
  async function trim() {
    await read('DELETE FROM batch WHERE last < $1', [head.firstId() ?? writer.lastId() + 1])
    await read('DELETE FROM delivery WHERE last < $1', [writer.lastId() - 65_536])
  }

  let isCompacting = false
  const timer = setInterval(() => {
    const due = isCompacting ? [] : dueHeads(head.all, head.size(), now())
    if (due.length === 0) return
    isCompacting = true
    // If this fails, the store has failed, and reports that itself.
    void pack(due).then(trim).catch(() => {}).finally(() => { isCompacting = false })
  }, CHECK_EVERY_MS)
  timer.unref()

  async function readConsistently<T>(device: number, ask: (uncompacted: readonly StoredMessage[]) => Promise<T>): Promise<T> {
    for (;;) {
      while (packing.has(device) && isOpen) await packingGate.passed()
      const before = head.held(device)
      const answer = await ask(head.of(device))
      if (!isOpen || (!packing.has(device) && (before === undefined || head.holds(before)))) return answer
    }
  }

  const readable: Readable = {
    segmentStore: createPostgresSegmentStore({ read, retained, newestId: () => newestSegment }),
    retained,
    device: deviceId => ids.get(deviceId),
    uncompacted: head.of,
    readConsistently,
  }
  const named: DeviceNames = { all: () => names, of: device => names.get(device) ?? '' }

  return {
    readable,
    named,
    partitions,
    retained,
    writer,
    /** The last stored states, read once and then released. */
    takeStates() {
      const taken = states
      states = []
      return taken
    },
    restore,
    deviceCount: () => ids.size,
    uncompacted: head.size,
    head: { all: head.all },
    append(record: NewRecord) {
      const device = idOf(record.value.deviceId)
      const id = writer.append(device, record.kind, record.body, record.delivery)
      if (!isSample(record)) head.note(device, id)
      else head.add(device, id, toStored(record.value, record.time))
    },
    commit: (done?: OnCommitted) => writer.commit(done),
    async packAll(deviceId?: string) {
      const device = deviceId === undefined ? undefined : ids.get(deviceId) ?? -1
      const heads = [...head.all()].filter(own => device === undefined || own.device === device)
      await pack(heads)
      if (deviceId === undefined) await trim()
    },
    /** The state in memory of a deleted device. */
    drop(deviceId: string) {
      const device = ids.get(deviceId)
      if (device === undefined) return
      head.remove(device)
      ids.delete(deviceId)
      names.delete(device)
    },
    close() {
      isOpen = false
      clearInterval(timer)
      packingGate.open()
    },
  }
}
export type PostgresStore = Awaited<ReturnType<typeof openStore>>
