// What is moved, table by table, in the order of the list at the end: read from SQLite in portions, each of which is written in one
// transaction. Segments and rollups hold the same bytes here as there.
import type { DatabaseSync, SQLOutputValue } from 'node:sqlite'
import { writeDocuments } from '../../server/history/postgres/documents.ts'
import { escapeNul } from '../../server/history/postgres/nul-escaping.ts'
import type { Partitions } from '../../server/history/postgres/partitions.ts'
import type { Query } from '../../server/history/postgres/connections.ts'
import { TIERS } from '../../server/history/engine/rollups.ts'
import { readSegment } from '../../server/history/engine/segments.ts'
import { toByteaArray } from './bytes.ts'
import { decoded, samplesIn } from './decoding.ts'
import type { Source } from './source.ts'

/** A portion ends at so many bytes, or at so many rows as were asked for. */
const MOST_BYTES = 8_388_608
/** So many segments of a portion are decoded, to tell how fast it goes. */
const DECODED = 10
/** About what a row costs beside its texts and bytes. */
const ROW_BYTES = 100

export interface Target { query: Query, partitions: Partitions }

export interface Portion {
  rows: number
  /** About how many, for whoever watches. */
  samples: number
  /** Up to where of the part this goes. */
  mark: number
  /** Puts it into the open transaction. */
  write: (target: Target) => Promise<void>
}

/** One table; `portions` goes on behind a mark. */
export interface Part {
  name: string
  /** Rows there are, or are behind a mark. */
  count: (source: Source, after?: number) => number
  portions: (source: Source, after: number, mostRows: number) => Generator<Portion>
}

type Row = Record<string, SQLOutputValue>

interface PartForm<T> {
  name: string
  /** The table with its condition; without what is forgotten or given up. */
  from: (source: Source) => string
  /** The column (alias `at` in the rows) that a portion ends at, and what orders rows where that is the same. */
  at: string
  then?: string
  columns: string
  read: (row: Row) => T
  samples?: (rows: readonly T[]) => number
  write: (rows: readonly T[], target: Target) => Promise<unknown>
}

function part<T>({ name, from, at, then, columns, read, samples = () => 0, write }: PartForm<T>): Part {
  function portionOf(rows: readonly T[], mark: number): Portion {
    return { rows: rows.length, samples: samples(rows), mark, write: async target => void await write(rows, target) }
  }
  return {
    name,
    count: (source, after) => countOf(source.database, `${from(source)}${after === undefined ? '' : ` AND ${at} > ${after}`}`),
    * portions(source, after, mostRows) {
      const select = `SELECT ${at} AS at, ${columns} FROM ${from(source)} AND ${at} > ? ORDER BY ${[at, ...then ? [then] : []].join(', ')}`
      let held: T[] = []
      let bytes = 0
      let mark = after
      for (const row of source.database.prepare(select).iterate(after)) {
        const next = Number(row.at)
        if (next !== mark && (held.length >= mostRows || bytes >= MOST_BYTES)) {
          yield portionOf(held, mark)
          held = []
          bytes = 0
        }
        held.push(read(row))
        bytes += sizeOf(row)
        mark = next
      }
      if (held.length > 0) yield portionOf(held, mark)
    },
  }
}

function countOf(database: DatabaseSync, from: string): number {
  return Number(database.prepare(`SELECT count(*) AS n FROM ${from}`).get()?.n)
}

function sizeOf(row: Row): number {
  return Object.values(row).reduce<number>((sum, value) => sum + (typeof value === 'string' || value instanceof Uint8Array ? value.length : 0), ROW_BYTES)
}

function toBytes(value: SQLOutputValue | undefined): Uint8Array {
  return value instanceof Uint8Array ? value : Buffer.from(String(value))
}

/** From some of them, for they are not decoded to be moved. */
function aboutSamples(rows: readonly { messages: number, data: Uint8Array }[]): number {
  const some = rows.filter((_, i) => i % Math.ceil(rows.length / DECODED) === 0)
  const messagesIn = (of: readonly { messages: number }[]) => of.reduce((sum, { messages }) => sum + messages, 0)
  return Math.round(messagesIn(rows) / messagesIn(some) * some.reduce((sum, { data }) => sum + samplesIn(decoded(data, readSegment)), 0))
}

const unforgotten = (column: string, { forgotten }: Source) => `${column} NOT IN (${forgotten.join(',')})`
const keptFrom = ({ marks }: Source, tier: 'raw' | 'minute') => marks.get(tier) ?? 0

const devices = part({
  name: 'device',
  from: source => `device WHERE ${unforgotten('id', source)}`,
  at: 'id',
  columns: 'name, archived, state',
  read: ({ at, name, archived, state }) => ({ id: Number(at), name: String(name), archived: Number(archived), state: typeof state === 'string' ? state : null }),
  write: (rows, { query }) => query('INSERT INTO device (id, name, archived, state) SELECT * FROM unnest($1::int[], $2::text[], $3::bigint[], $4::text[])',
    [rows.map(({ id }) => id), rows.map(({ name }) => escapeNul(name)), rows.map(({ archived }) => archived), rows.map(({ state }) => state)]),
})

const series = part({
  name: 'series',
  from: source => `series WHERE ${unforgotten('device', source)}`,
  at: 'id',
  columns: 'device, metric',
  read: ({ at, device, metric }) => ({ id: Number(at), device: Number(device), metric: String(metric) }),
  async write(rows, { query }) {
    await query('INSERT INTO series (id, device, metric) OVERRIDING SYSTEM VALUE SELECT * FROM unnest($1::int[], $2::int[], $3::text[])',
      [rows.map(({ id }) => id), rows.map(({ device }) => device), rows.map(({ metric }) => escapeNul(metric))])
    await query('SELECT setval(pg_get_serial_sequence(\'series\', \'id\'), $1)', [rows.at(-1)?.id])
  },
})

const documents = part({
  name: 'document',
  from: () => 'document WHERE true',
  at: 'rowid',
  columns: 'kind, name, body',
  read: ({ kind, name, body }) => ({ kind: String(kind), name: String(name), body: toBytes(body) }),
  write: (rows, { query }) => writeDocuments(rows, query),
})

/** All lines of a device are in one portion, for there is no other number to go on from. */
const presence = part({
  name: 'presence',
  from: source => `presence WHERE ${unforgotten('device', source)}`,
  at: 'device',
  then: 'time',
  columns: 'time, state',
  read: ({ at, time, state }) => ({ device: Number(at), time: Number(time), state: String(state) }),
  write: (rows, { query }) => query('INSERT INTO presence (device, time, state) SELECT * FROM unnest($1::int[], $2::bigint[], $3::text[])',
    [rows.map(({ device }) => device), rows.map(({ time }) => time), rows.map(({ state }) => state)]),
})

const segments = part({
  name: 'segment',
  from: source => `segment WHERE ${unforgotten('device', source)} AND max(last, received) >= ${keptFrom(source, 'raw')}`,
  at: 'id',
  columns: 'device, first, last, received, messages, data',
  read: ({ at, device, first, last, received, messages, data }) => ({
    id: Number(at), device: Number(device), first: Number(first), last: Number(last), received: Number(received), messages: Number(messages), data: toBytes(data),
  }),
  samples: aboutSamples,
  async write(rows, { query, partitions }) {
    await partitions.ensure('segment', rows.map(({ last }) => last), query)
    await query(`INSERT INTO segment (id, device, first, last, received, messages, data)
      SELECT * FROM unnest($1::bigint[], $2::int[], $3::bigint[], $4::bigint[], $5::bigint[], $6::int[], $7::bytea[])`, [
      rows.map(({ id }) => id), rows.map(({ device }) => device), rows.map(({ first }) => first), rows.map(({ last }) => last),
      rows.map(({ received }) => received), rows.map(({ messages }) => messages), toByteaArray(rows.map(({ data }) => data)),
    ])
  },
})

const rollups = part({
  name: 'rollup',
  from: source => `rollup WHERE series NOT IN (SELECT id FROM series WHERE device IN (${source.forgotten.join(',')})) AND (tier <> ${TIERS.minute.id} OR period >= ${keptFrom(source, 'minute')})`,
  at: 'id',
  columns: 'series, tier, period, data',
  read: ({ series, tier, period, data }) => ({ series: Number(series), tier: Number(tier), period: Number(period), data: toBytes(data) }),
  async write(rows, { query, partitions }) {
    for (const tier of ['minute', 'hour'] as const) {
      const own = rows.filter(row => row.tier === TIERS[tier].id)
      if (own.length === 0) continue
      await partitions.ensure(tier, own.map(({ period }) => period), query)
      await query(`INSERT INTO ${tier} (series, period, data) SELECT * FROM unnest($1::int[], $2::bigint[], $3::bytea[])`,
        [own.map(({ series }) => series), own.map(({ period }) => period), toByteaArray(own.map(({ data }) => data))])
    }
  },
})

const batches = part({
  name: 'batch',
  from: () => 'batch WHERE true',
  at: 'last',
  columns: 'body',
  read: ({ at, body }) => ({ last: Number(at), body: String(body) }),
  write: (rows, { query }) => query('INSERT INTO batch (last, body) SELECT * FROM unnest($1::bigint[], $2::text[])', [rows.map(({ last }) => last), rows.map(({ body }) => body)]),
})

const deliveries = part({
  name: 'delivery',
  from: () => 'delivery WHERE true',
  at: 'last',
  columns: 'packets',
  read: ({ at, packets }) => ({ last: Number(at), packets: toBytes(packets) }),
  write: (rows, { query }) => query('INSERT INTO delivery (last, packets) SELECT * FROM unnest($1::bigint[], $2::bytea[])', [rows.map(({ last }) => last), toByteaArray(rows.map(({ packets }) => packets))]),
})

export const PARTS: readonly Part[] = [devices, series, documents, presence, segments, rollups, batches, deliveries]
