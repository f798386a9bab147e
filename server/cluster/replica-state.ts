// A replica's state of the common store: the number of each device, and what is not packed yet. It is read once, and
// then changed by the log, record by record; so it is the same in all replicas at the same record.
import { isSample, toStored } from '../history/engine/records'
import { createHead } from '../history/engine/head'
import type { DeviceNames } from '../history/queries/history-reader'
import { unescapeNul } from '../history/postgres/nul-escaping'
import type { Query } from '../history/postgres/connections'
import type { RetainedFrom } from '../history/engine/rollup-store'
import { readLog } from './log-codec'
import type { LogRecord } from './log-codec'

const BATCHES_PER_READ = 50

/** `listenedMs`: when a leader last reported that it runs, in milliseconds since 1970. */
export interface Loaded { devices: { deviceId: string, state: unknown }[], records: LogRecord[], listenedMs: number }

export function createReplicaState(now: () => number) {
  const ids = new Map<string, number>()
  const names = new Map<number, string>()
  /** Up to which record each device is packed. */
  const archived = new Map<number, number>()
  const retained: RetainedFrom & { hour: number } = { raw: 0, minute: 0, hour: 0 }
  const head = createHead(now)
  let newest = 0
  let position = 0

  function learn(id: number, deviceId: string) {
    ids.set(deviceId, id)
    names.set(id, deviceId)
  }

  function drop(device: number) {
    const deviceId = names.get(device)
    head.remove(device)
    names.delete(device)
    archived.delete(device)
    if (deviceId !== undefined && ids.get(deviceId) === device) ids.delete(deviceId)
  }

  function addToHead(record: LogRecord) {
    const { kind, device, id } = record
    if (isSample(record)) head.add(device, id, toStored(record.value))
    else if (kind === 'telemetry' || kind === 'status' || kind === 'presence' || kind === 'replayed') head.note(device, id)
  }

  async function* batches(query: Query): AsyncGenerator<LogRecord[]> {
    for (let last = 0, more = true; more;) {
      const rows = await query(`SELECT last, body FROM batch WHERE last > $1 ORDER BY last LIMIT ${BATCHES_PER_READ}`, [last])
      for (const row of rows) yield readLog(Number(row.last), String(row.body))
      last = Number(rows.at(-1)?.last)
      more = rows.length === BATCHES_PER_READ
    }
  }

  return {
    ids,
    retained,
    head,
    named: { all: () => names, of: device => names.get(device) ?? '' } satisfies DeviceNames,
    newest: () => newest,
    /** The last record that is applied here and in the rooms. */
    position: () => position,
    archivedOf: (device: number) => archived.get(device) ?? 0,
    learn,
    /** Reads everything, in one transaction that sees the database as it is at its begin. */
    async load(query: Query): Promise<Loaded> {
      await query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY')
      position = Number((await query('SELECT last FROM head'))[0]?.last)
      newest = Number((await query('SELECT max(id) AS id FROM segment'))[0]?.id ?? 0)
      for (const { key, value } of await query(
        'SELECT key, value FROM meta WHERE key IN (\'raw\', \'minute\', \'hour\')',
      )) Object.assign(retained, { [String(key)]: Number(value) })
      const listened = Number((await query('SELECT value FROM meta WHERE key = \'listening\''))[0]?.value ?? 0)
      const devices: Loaded['devices'] = []
      for (const row of await query('SELECT id, name, archived, state FROM device WHERE name IS NOT NULL ORDER BY id')) {
        const [id, deviceId] = [Number(row.id), unescapeNul(row.name)]
        learn(id, deviceId)
        archived.set(id, Number(row.archived))
        if (typeof row.state === 'string') devices.push({ deviceId, state: JSON.parse(row.state) })
      }
      const records: LogRecord[] = []
      for await (const batch of batches(query)) {
        for (const record of batch) {
          // A device without a name is deleted.
          if (record.device !== 0 && record.id <= (archived.get(record.device) ?? Infinity)) continue
          addToHead(record)
          records.push(record)
        }
      }
      await query('COMMIT')
      return { devices, records, listenedMs: listened / 1_000 }
    },
    /** Applies the next record. */
    take(record: LogRecord) {
      position = record.id
      if (record.device !== 0 && !names.has(record.device) && 'deviceId' in record.value) learn(record.device, record.value.deviceId)
      switch (record.kind) {
        case 'packed':
          newest = Math.max(newest, record.value.newest)
          for (const [device, lastId, messages] of record.value.devices) {
            head.packed(device, messages, lastId)
            archived.set(device, lastId)
          }
          return
        case 'retained': return void Object.assign(retained, record.value)
        case 'forgotten': return drop(record.device)
        default: return addToHead(record)
      }
    },
    /** The records up to one have been applied; there need not be one of that id. */
    passed(id: number) {
      position = Math.max(position, id)
    },
  }
}
export type ReplicaState = ReturnType<typeof createReplicaState>
