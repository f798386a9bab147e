// What is asked of both sides alike once everything is moved, each for itself: what a server would answer its questions from.
import { unescapeNul } from '../../server/history/postgres/nul-escaping.ts'
import type { Query, Row } from '../../server/history/postgres/connections.ts'
import { createPostgresSegmentStore } from '../../server/history/postgres/segment-store.ts'
import { TIERS } from '../../server/history/engine/rollups.ts'
import type { TierName } from '../../server/history/engine/rollups.ts'
import type { SegmentStore } from '../../server/history/engine/segment-store.ts'
import { createSqliteSegmentStore } from '../../server/history/sqlite/segment-store.ts'
import type { Source } from './source.ts'

/** Rows read from PostgreSQL in one go. */
const PAGE = 500

type Answer = Promise<Row[]> | Row[]

export interface DeviceRow { id: number, name: string, archived: number, state: string | null }

export interface RollupRow { metric: string, tier: TierName, period: number, data: Uint8Array }

export interface Side {
  name: string
  segmentStore: SegmentStore
  /** Messages from before it do not count any more, though they may lie there. */
  keptFrom: number
  devices: () => Promise<DeviceRow[]>
  /** Minutes and hours of a device. */
  rollups: (device: number) => Promise<RollupRow[]>
  /** When a device (0: all of them) has become what, in order. */
  lines: (device: number) => Answer
  /** What is not packed, in order of arrival. */
  batches: () => AsyncGenerator<{ last: number, body: string }>
  /** What tells redeliveries. */
  deliveries: () => AsyncGenerator<{ last: number, packets: Uint8Array }>
  documents: () => AsyncGenerator<{ kind: string, name: string, body: Uint8Array }>
  /** Retention marks and the like, by name. */
  marks: Map<string, number>
}

export function sqliteSide({ database, marks, forgotten }: Source): Side {
  const gone = new Set(forgotten)
  const rollups = database.prepare(`SELECT metric, tier, period, data FROM series JOIN rollup ON rollup.series = series.id WHERE device = ? AND (tier <> ${TIERS.minute.id} OR period >= ?)`)
  const lines = database.prepare('SELECT time, state FROM presence WHERE device = ? ORDER BY time')
  async function* rows(what: string) {
    yield* database.prepare(what).iterate()
  }
  return {
    name: 'SQLite',
    segmentStore: createSqliteSegmentStore(database).segmentStore,
    keptFrom: marks.get('raw') ?? 0,
    devices: async () => database.prepare('SELECT id, name, archived, state FROM device').all().map(toDevice).filter(({ id }) => !gone.has(id)),
    rollups: async device => rollups.all(device, marks.get('minute') ?? 0).map(toRollup),
    lines: device => lines.all(device),
    async* batches() {
      for await (const { last, body } of rows('SELECT last, body FROM batch ORDER BY last')) yield { last: Number(last), body: String(body) }
    },
    async* deliveries() {
      for await (const { last, packets } of rows('SELECT last, packets FROM delivery ORDER BY last')) yield { last: Number(last), packets: toBytes(packets) }
    },
    async* documents() {
      for await (const { kind, name, body } of rows('SELECT kind, name, body FROM document')) yield { kind: String(kind), name: String(name), body: toBytes(body) }
    },
    marks,
  }
}

/** `given`: the names of the marks that are compared. */
export async function postgresSide(read: Query, given: Iterable<string>): Promise<Side> {
  const all = new Map((await read('SELECT key, value FROM meta')).map(({ key, value }) => [String(key), Number(value)]))
  const marks = new Map([...given].map(key => [key, all.get(key) ?? Number.NaN]))
  const kept = { raw: all.get('raw') ?? 0, minute: all.get('minute') ?? 0, hour: all.get('hour') ?? 0 }
  async function* byLast(columns: string, table: string) {
    for (let last = Number.MIN_SAFE_INTEGER, more = true; more;) {
      const rows = await read(`SELECT last, ${columns} FROM ${table} WHERE last > $1 ORDER BY last LIMIT ${PAGE}`, [last])
      yield* rows
      last = Number(rows.at(-1)?.last)
      more = rows.length === PAGE
    }
  }
  return {
    name: 'PostgreSQL',
    segmentStore: createPostgresSegmentStore({ read, retained: kept, newestId: () => 0 }),
    keptFrom: kept.raw,
    devices: async () => (await read('SELECT id, name, archived, state FROM device')).map(row => toDevice({ ...row, name: unescapeNul(row.name) })),
    async rollups(device) {
      const tiers = (['minute', 'hour'] as const).map((tier, i) => `SELECT metric, ${TIERS[tier].id} AS tier, period, data FROM series JOIN ${tier} ON series = id WHERE device = $1 AND period >= $${i + 2}`)
      return (await read(tiers.join(' UNION ALL '), [device, kept.minute, kept.hour])).map(row => toRollup({ ...row, metric: unescapeNul(row.metric) }))
    },
    lines: device => read('SELECT time, state FROM presence WHERE device = $1 ORDER BY time', [device]),
    async* batches() {
      for await (const { last, body } of byLast('body', 'batch')) yield { last: Number(last), body: String(body) }
    },
    async* deliveries() {
      for await (const { last, packets } of byLast('packets', 'delivery')) yield { last: Number(last), packets: toBytes(packets) }
    },
    async* documents() {
      for (const { kind, name } of await read('SELECT kind, name FROM document')) {
        const [row] = await read('SELECT body FROM document WHERE kind = $1 AND name = $2', [kind, name])
        yield { kind: unescapeNul(kind), name: unescapeNul(name), body: toBytes(row?.body) }
      }
    },
    marks,
  }
}

function toDevice({ id, name, archived, state }: Row): DeviceRow {
  return { id: Number(id), name: String(name), archived: Number(archived), state: typeof state === 'string' ? state : null }
}

function toRollup({ metric, tier, period, data }: Row): RollupRow {
  return { metric: String(metric), tier: tier === TIERS.minute.id ? 'minute' : 'hour', period: Number(period), data: toBytes(data) }
}

function toBytes(value: unknown): Uint8Array {
  return value instanceof Uint8Array ? value : Buffer.from(String(value))
}
