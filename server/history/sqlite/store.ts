import type { DatabaseSync } from 'node:sqlite'
import { isSample, toStored } from '../engine/records'
import type { NewRecord, Restored } from '../engine/records'
import { packMessages } from '../engine/segment-io'
import { detach, isLeftover } from './device-deletion'
import { createJournal } from './journal'
import type { StoredMessage } from '../engine/segments'
import type { RetainedFrom } from '../engine/rollup-store'
import type { Readable } from '../engine/segment-store'
import { createSqliteSegmentStore } from './segment-store'
import { createHead } from '../engine/head'
import type { DeviceHead } from '../engine/head'

/**
 * One open database: the journal, what is not packed yet, and the packed segments. Every method throws when the
 * database does; the caller runs the transactions.
 */
export function createStore(database: DatabaseSync, unacknowledged: number, now: () => number) {
  const journal = createJournal(database, unacknowledged)
  const { segmentStore, packing } = createSqliteSegmentStore(database)
  const head = createHead(now)
  const ids = new Map<string, number>()
  // Devices first met in the open transaction, and those of its messages: negative if the head no longer holds the
  // message.
  let newDevices: string[] = []
  let appended: number[] = []

  const insertDevice = database.prepare('INSERT INTO device (name) VALUES (?)')
  const updateState = database.prepare('UPDATE device SET archived = ?, state = coalesce(?, state) WHERE id = ?')
  const readMeta = database.prepare('SELECT key, value FROM meta')
  const writeMeta = database.prepare('INSERT INTO meta (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value')
  const retained: RetainedFrom = {
    raw: 0,
    minute: 0,
    ...Object.fromEntries(readMeta.all().map(({ key, value }) => [key, value])),
  }

  function idOf(deviceId: string): number {
    const known = ids.get(deviceId)
    if (known !== undefined) return known
    const id = Number(insertDevice.run(deviceId).lastInsertRowid)
    ids.set(deviceId, id)
    newDevices.push(deviceId)
    return id
  }

  function namesOf(devices: readonly number[]): string[] {
    const wanted = new Set(devices)
    const names = new Map<number, string>()
    if (wanted.size > 0) for (const [name, id] of ids) if (wanted.has(id)) names.set(id, name)
    return devices.flatMap(device => names.get(device) ?? [])
  }

  /** Fills the head from the journal while the caller reads the records. */
  function* pending(archived: Map<number, number>): Restored['records'] {
    for (const record of journal.restore()) {
      const { id, device } = record
      if (id <= (archived.get(device) ?? 0)) continue
      if (isSample(record)) head.add(device, id, toStored(record.value))
      else head.note(device, id)
      yield record
    }
  }

  /** Nothing can be packed while SQLite answers, but other work may run between two of its answers. */
  async function readConsistently<T>(device: number, read: (uncompacted: readonly StoredMessage[]) => Promise<T>): Promise<T> {
    for (;;) {
      const before = head.held(device)
      const answer = await read(head.of(device))
      if (before === undefined || head.holds(before)) return answer
    }
  }

  const readable: Readable = {
    segmentStore,
    retained,
    device: deviceId => ids.get(deviceId),
    uncompacted: head.of,
    readConsistently,
  }

  return {
    readable,
    head,
    retained,
    isStored: journal.isStored,
    forgetDeliveries: journal.forgetDeliveries,
    distrustDeliveries: journal.distrustDeliveries,
    sessionResumed: journal.sessionResumed,
    idOf: (deviceId: string) => ids.get(deviceId),
    deviceCount: () => ids.size,
    lastId: journal.lastId,
    /** Read it to the end once, before anything is appended. */
    restore(): Restored {
      const rows = database.prepare('SELECT id, name, archived, state FROM device').all()
      for (const { id, name } of rows) if (!isLeftover(String(name))) ids.set(String(name), Number(id))
      return {
        devices: rows.flatMap(({ name, state }) => typeof state === 'string' ? { deviceId: String(name), state: JSON.parse(state) } : []),
        records: pending(new Map(rows.map(row => [Number(row.id), Number(row.archived)]))),
      }
    },
    /** Takes a device's name away inside the open transaction; call {@link detached} once that is committed. */
    detach(deviceId: string) {
      const device = ids.get(deviceId)
      if (device !== undefined) detach(database, device, journal.lastId())
    },
    detached(deviceId: string) {
      const device = ids.get(deviceId)
      if (device !== undefined) head.remove(device)
      ids.delete(deviceId)
    },
    /** Adds a record to the open transaction. */
    append(record: NewRecord) {
      const device = idOf(record.value.deviceId)
      const id = journal.append(device, record.kind, record.body, record.delivery)
      if (isSample(record)) {
        head.add(device, id, toStored(record.value, record.time))
        appended.push(device)
        return
      }
      head.note(device, id)
      if (record.kind === 'status') appended.push(-device)
    },
    /** Completes the open transaction. */
    beforeCommit: journal.flush,
    committed() {
      journal.committed()
      appended = []
      newDevices = []
    },
    /** The device names of the messages that were not stored. */
    rolledBack(): string[] {
      journal.rolledBack()
      for (const device of appended) if (device > 0) head.takeBack(device)
      const taken = namesOf(appended.map(Math.abs))
      for (const name of newDevices) ids.delete(name)
      appended = []
      newDevices = []
      return taken
    },
    /** Packs one device inside the open transaction; `state` is its last state now. */
    pack(head: DeviceHead, state: string | undefined) {
      const { device, lastId, length } = head
      if (length > 0) packMessages(packing, device, head.messages(), retained)
      updateState.run(lastId, state ?? null, device)
    },
    packed: (packed: readonly DeviceHead[]) => packed.forEach(({ device }) => head.remove(device)),
    /** Deletes some packed records of the journal; returns whether there are more. */
    trimJournal: () => journal.trim(head.firstId() ?? journal.lastId() + 1),
    retainFrom(tier: keyof RetainedFrom, time: number) {
      writeMeta.run(tier, time)
      retained[tier] = time
    },
  }
}
export type Store = ReturnType<typeof createStore>
