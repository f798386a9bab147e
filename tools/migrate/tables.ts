// What is moved, table by table, in this order. Segments and rollups hold the same bytes in SQLite as in PostgreSQL.
import type { SQLOutputValue } from 'node:sqlite'
import { TIERS } from '../../server/history/engine/rollups.ts'
import { escapeNul } from '../../server/history/postgres/nul-escaping.ts'
import type { Table as Partitioned } from '../../server/history/postgres/partitions.ts'
import type { Source } from './source.ts'

/** A portion ends at so many bytes, or at so many rows as were asked for. */
const MOST_BYTES = 8_388_608
/** About what a row costs beside its texts and bytes. */
const ROW_BYTES = 100
/** Names as people and devices give them, which PostgreSQL cannot all keep as they are. */
const NAMES = ['kind', 'name', 'metric']

type Row = Record<string, SQLOutputValue>

export interface Table {
  /** In PostgreSQL; there its columns have these types. */
  name: string
  columns: { name: string, type: string }[]
  /** In SQLite, with the condition that leaves out what is forgotten or given up. */
  from: (source: Source) => string
  /** The column that orders rows; those with the same value are in one portion, so that it can go on from there. */
  at: string
  /** The column that says into which part of the table a row belongs. */
  partition?: { table: Partitioned, by: string } | undefined
}

function tableOf(name: string, at: string, columns: string, from: Table['from'], partition?: Table['partition']): Table {
  return { name, at, from, partition, columns: columns.split(', ').map(column => ({ name: column.split(' ')[0] ?? '', type: column.split(' ')[1] ?? '' })) }
}

const unforgotten = (column: string, { forgotten }: Source) => `${column} NOT IN (${forgotten.join(',')})`
const rollups = (tier: 'minute' | 'hour') => tableOf(tier, 'id', 'series int, period bigint, data bytea', source => `rollup WHERE tier = ${TIERS[tier].id}
  AND series IN (SELECT id FROM series WHERE ${unforgotten('device', source)})
  AND period >= ${tier === 'minute' ? source.marks.get('minute') ?? 0 : Number.MIN_SAFE_INTEGER}`, { table: tier, by: 'period' })

export const TABLES: readonly Table[] = [
  tableOf('device', 'id', 'id int, name text, archived bigint, state text', source => `device WHERE ${unforgotten('id', source)}`),
  tableOf('series', 'id', 'id int, device int, metric text', source => `series WHERE ${unforgotten('device', source)}`),
  tableOf('document', 'rowid', 'kind text, name text, body bytea', () => 'document WHERE true'),
  tableOf('presence', 'device', 'device int, time bigint, state text', source => `presence WHERE ${unforgotten('device', source)}`),
  tableOf('segment', 'id', 'id bigint, device int, first bigint, last bigint, received bigint, messages int, data bytea',
    source => `segment WHERE ${unforgotten('device', source)} AND max(last, received) >= ${source.marks.get('raw') ?? 0}`,
    { table: 'segment', by: 'last' }),
  rollups('minute'),
  rollups('hour'),
  tableOf('batch', 'last', 'last bigint, body text', () => 'batch WHERE true'),
  tableOf('delivery', 'last', 'last bigint, packets bytea', () => 'delivery WHERE true'),
]

/** Rows of a table in SQLite, or those behind a mark. */
export function countRows({ from, at }: Table, source: Source, after = Number.MIN_SAFE_INTEGER): number {
  return Number(source.database.prepare(`SELECT count(*) AS n FROM ${from(source)} AND ${at} > ?`).get(after)?.n)
}

export interface Portion { rows: Row[], mark: number }

/** The rows behind a mark. */
export function* portionsOf({ from, at, columns }: Table, source: Source, after: number, mostRows: number): Generator<Portion> {
  const select = `SELECT ${at} AS mark, ${columns.map(({ name }) => name).join(', ')} FROM ${from(source)} AND ${at} > ? ORDER BY ${at}`
  let portion: Portion = { rows: [], mark: after }
  let bytes = 0
  for (const row of source.database.prepare(select).iterate(after)) {
    const mark = Number(row.mark)
    if (mark !== portion.mark && (portion.rows.length >= mostRows || bytes >= MOST_BYTES)) {
      yield portion
      portion = { rows: [], mark }
      bytes = 0
    }
    portion.rows.push(row)
    portion.mark = mark
    for (const value of Object.values(row)) bytes += typeof value === 'string' || value instanceof Uint8Array ? value.length : 0
    bytes += ROW_BYTES
  }
  if (portion.rows.length > 0) yield portion
}

/** The statement that writes a portion, with one array a column. */
export function insertOf({ name, columns }: Table, rows: readonly Row[]): [text: string, values: unknown[]] {
  const values = columns.map(({ name, type }) => rows.map((row) => {
    const value = row[name] ?? null
    if (type === 'bytea') return value instanceof Uint8Array ? Buffer.from(value) : Buffer.from(String(value))
    return NAMES.includes(name) ? escapeNul(String(value)) : value
  }))
  const arrays = columns.map(({ type }, i) => `$${i + 1}::${type}[]`)
  return [`INSERT INTO ${name} (${columns.map(({ name }) => name).join(', ')}) OVERRIDING SYSTEM VALUE SELECT * FROM unnest(${arrays.join(', ')})`, values]
}
