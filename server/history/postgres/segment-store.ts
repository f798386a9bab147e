import type { RetainedFrom } from '../engine/rollup-store'
import type { TIERS } from '../engine/rollups'
import { HOUR } from '../engine/rollups'
import { HEADS_PER_PAGE } from '../engine/segment-store'
import type { SegmentHead, SegmentRow, SegmentStore } from '../engine/segment-store'
import { unescapeNul, escapeNul } from './nul-escaping'
import { ARRIVAL } from './partitions'
import type { Query, Row } from './connections'

const SLACK = 1_000_000
const ROWS_PER_FETCH = 50
/** The first few are usually enough. */
const DOWN_PER_STEP = 5
const OLDEST_SEGMENTS = 1_000

const HEAD = 'id, device, first, last'
/** A segment holds an hour: this lets PostgreSQL skip the partitions after it. */
const endOf = (to: number) => Math.min(Number.MAX_SAFE_INTEGER, to + HOUR + SLACK)
const SERIES = '(SELECT id FROM series WHERE device = $1 AND md5(metric) = md5($2) AND metric = $2)'

export interface PostgresSegmentStoreOptions {
  read: Query
  /** Rows before it are pruned, though they may still exist. */
  retained: RetainedFrom & { hour: number }
  newestId: () => number
}

/** Packed data in PostgreSQL, read on the read-only connections. */
export function createPostgresSegmentStore({ read, retained, newestId }: PostgresSegmentStoreOptions): SegmentStore {
  const whole = (time: number) => Math.max(-Number.MAX_SAFE_INTEGER, Math.min(Number.MAX_SAFE_INTEGER, time))
  /** Reads the segments of a device that overlap a range. */
  const reaching = (what: string, order: string, device: number, from: number, to: number) =>
    read(`SELECT ${what} FROM segment WHERE device = $1 AND last >= $2 AND first <= $3 AND last <= $4 AND ${ARRIVAL} >= $5 ${order}`,
      [device, whole(from), whole(to), endOf(whole(to)), retained.raw])

  async function* fetch(heads: readonly SegmentHead[]): AsyncGenerator<SegmentRow> {
    for (let at = 0; at < heads.length; at += ROWS_PER_FETCH) {
      const some = heads.slice(at, at + ROWS_PER_FETCH)
      const lasts = some.map(({ last }) => last)
      const rows = await read(`SELECT ${HEAD}, data FROM segment WHERE last >= $3 AND last <= $4 AND (last, id) IN (SELECT * FROM unnest($1::bigint[], $2::bigint[]))`,
        [lasts, some.map(({ id }) => id), Math.min(...lasts), Math.max(...lasts)])
      const byId = new Map(toRows(rows).map(row => [row.id, row]))
      for (const { id } of some) {
        const row = byId.get(id)
        if (row) yield row
      }
    }
  }

  async function* segmentsDown(device: number, time: number): AsyncGenerator<SegmentRow> {
    const first = whole(time)
    for (let last = endOf(first), id = Number.MAX_SAFE_INTEGER, more = true; more;) {
      const rows = toRows(await read(`SELECT ${HEAD}, data FROM segment WHERE device = $1 AND first <= $2 AND last <= $3 AND (last, id) < ($3, $4) AND ${ARRIVAL} >= $5
        ORDER BY last DESC, id DESC LIMIT ${DOWN_PER_STEP}`, [device, first, last, id, retained.raw]))
      yield* rows
      last = rows.at(-1)?.last ?? last
      id = rows.at(-1)?.id ?? id
      more = rows.length === DOWN_PER_STEP
    }
  }

  return {
    segments: async (device, from, to) => toRows(await reaching(`${HEAD}, data`, 'ORDER BY id', device, from, to)),
    segmentsDown,
    heads: async (device, from, to) => (await reaching(HEAD, 'ORDER BY first', device, from, to)).map(toHead),
    async headsBehind({ last, id }, end) {
      const rows = await read(`SELECT ${HEAD} FROM segment WHERE (last, id) > ($1, $2) AND last >= $1 AND last <= $3 AND ${ARRIVAL} >= $4
        ORDER BY last, id LIMIT ${HEADS_PER_PAGE}`, [whole(last), id, whole(end), retained.raw])
      return rows.map(toHead)
    },
    fetch,
    async nextEnd(from, device) {
      const rows = await read(`SELECT min(last) AS last FROM segment WHERE last >= $1 AND ${ARRIVAL} >= $2 ${device === undefined ? '' : 'AND device = $3'}`,
        [whole(from), retained.raw, ...device === undefined ? [] : [device]])
      return numberOf(rows[0]?.last)
    },
    earliest: async () => numberOf((await read(
      `SELECT min(first) AS first
       FROM (SELECT first FROM segment WHERE ${ARRIVAL} >= $1 ORDER BY last LIMIT ${OLDEST_SEGMENTS}) oldest`,
      [retained.raw],
    ))[0]?.first),
    newestId,
    countMessages: async (device, from, to) => Number((await reaching('coalesce(sum(messages), 0) AS n', '', device, from, to))[0]?.n),
    metrics: async device => (await read('SELECT metric FROM series WHERE device = $1', [device])).map(({ metric }) => unescapeNul(metric)),
    async rollups(device, metric, tier, from, to) {
      const rows = await read(
        `SELECT data FROM ${tier} WHERE series = ${SERIES} AND period BETWEEN $3 AND $4 ORDER BY period`,
        [device, escapeNul(metric), Math.max(whole(from), retainedFrom(tier)), whole(to)],
      )
      return rows.flatMap(({ data }) => data instanceof Uint8Array ? data : [])
    },
    lastMinutes: async (device, metric, upTo) =>
      numberOf((await read(
        `SELECT max(period) AS period FROM minute WHERE series = ${SERIES} AND period BETWEEN $4 AND $3`,
        [device, escapeNul(metric), whole(upTo), retainedFrom('minute')],
      ))[0]?.period),
  }

  function retainedFrom(tier: keyof typeof TIERS): number {
    return retained[tier]
  }
}

export function toHead({ id, device, first, last }: Row): SegmentHead {
  return { id: Number(id), device: Number(device), first: Number(first), last: Number(last) }
}

function toRows(rows: readonly Row[]): SegmentRow[] {
  return rows.flatMap(row => row.data instanceof Uint8Array ? { ...toHead(row), data: row.data } : [])
}

function numberOf(value: unknown): number | undefined {
  return typeof value === 'number' ? value : undefined
}
