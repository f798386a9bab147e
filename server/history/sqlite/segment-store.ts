import type { DatabaseSync } from 'node:sqlite'
import type { DeviceNames } from '../queries/history-reader'
import { TIERS } from '../engine/rollups'
import { HEADS_PER_PAGE } from '../engine/segment-store'
import type { CompactionStore, SegmentHead, SegmentRow, SegmentStore } from '../engine/segment-store'

/** Messages arrive slightly out of order, so the first need not be in the segment that ends first. */
const OLDEST_SEGMENTS = 1_000
/** The first one is usually enough. */
const DOWN_PER_STEP = 3

/** Packed data in an open SQLite database. */
export function createSqliteSegmentStore(database: DatabaseSync) {
  const into = database.prepare('SELECT id, device, first, last, data FROM segment WHERE device = ? AND last >= ? AND first <= ? ORDER BY id')
  const down = database.prepare(`SELECT id, device, first, last, data FROM segment WHERE device = ? AND first <= ? AND (last, id) < (?, ?) ORDER BY last DESC, id DESC LIMIT ${DOWN_PER_STEP}`)
  const headsInto = database.prepare('SELECT id, device, first, last FROM segment WHERE device = ? AND last >= ? AND first <= ? ORDER BY first')
  const behind = database.prepare(`SELECT id, device, first, last FROM segment WHERE (last, id) > (?, ?) AND last <= ? ORDER BY last, id LIMIT ${HEADS_PER_PAGE}`)
  const byId = database.prepare('SELECT data FROM segment WHERE id = ?')
  const nextEnd = database.prepare('SELECT min(last) AS last FROM segment WHERE last >= ?')
  const nextEndOf = database.prepare('SELECT min(last) AS last FROM segment WHERE device = ? AND last >= ?')
  const oldest = database.prepare(`SELECT min(first) AS first FROM (SELECT first FROM segment ORDER BY last LIMIT ${OLDEST_SEGMENTS})`)
  const newestId = database.prepare('SELECT max(id) AS id FROM segment')
  const countIn = database.prepare('SELECT coalesce(sum(messages), 0) AS n FROM segment WHERE device = ? AND last >= ? AND first <= ?')
  const metrics = database.prepare('SELECT metric FROM series WHERE device = ?')
  const rollups = database.prepare(`SELECT data FROM rollup WHERE series = (SELECT id FROM series WHERE device = ? AND metric = ?) AND tier = ? AND period BETWEEN ? AND ? ORDER BY period`)
  const lastMinutes = database.prepare('SELECT max(period) AS period FROM rollup WHERE series = (SELECT id FROM series WHERE device = ? AND metric = ?) AND tier = ? AND period <= ?')
  const insertSegment = database.prepare('INSERT INTO segment (device, first, last, received, messages, data) VALUES (?, ?, ?, ?, ?, ?)')
  const anyFrom = database.prepare('SELECT 1 FROM segment WHERE device = ? AND last >= ? LIMIT 1')
  const insertSeries = database.prepare('INSERT INTO series (device, metric) VALUES (?, ?)')
  const seriesId = database.prepare('SELECT id FROM series WHERE device = ? AND metric = ?')
  const selectRollup = database.prepare('SELECT data FROM rollup WHERE series = ? AND tier = ? AND period = ?')
  const upsertRollup = database.prepare(`INSERT INTO rollup (series, tier, period, data) VALUES (?, ?, ?, ?)
    ON CONFLICT (series, tier, period) DO UPDATE SET data = excluded.data`)

  function seriesOf(device: number, metric: string): number | undefined {
    const row = seriesId.get(device, metric)
    return row && Number(row.id)
  }

  const segmentStore: SegmentStore = {
    segments: (device, from, to) => rowsOf(into.iterate(device, from, to)),
    * segmentsDown(device, time) {
      // No statement stays open between two steps: other readers use the same one.
      for (let last = Number.MAX_SAFE_INTEGER, id = last, more = true; more;) {
        const rows = down.all(device, time, last, id)
        yield* rowsOf(rows)
        last = Number(rows.at(-1)?.last)
        id = Number(rows.at(-1)?.id)
        more = rows.length === DOWN_PER_STEP
      }
    },
    heads: (device, from, to) => headsInto.all(device, from, to).map(toHead),
    headsBehind: ({ last, id }, end) => behind.all(last, id, end).map(toHead),
    * fetch(heads) {
      for (const head of heads) yield* toRow({ ...head, data: byId.get(head.id)?.data })
    },
    nextEnd: (from, device) => numberOf((device === undefined ? nextEnd.get(from) : nextEndOf.get(device, from))?.last),
    earliest: () => numberOf(oldest.get()?.first),
    newestId: () => Number(newestId.get()?.id ?? 0),
    countMessages: (device, from, to) => Number(countIn.get(device, from, to)?.n),
    metrics: device => metrics.all(device).map(({ metric }) => String(metric)),
    rollups: (device, metric, tier, from, to) => rollups.all(device, metric, TIERS[tier].id, from, to).flatMap(({ data }) => data instanceof Uint8Array ? data : []),
    lastMinutes: (device, metric, upTo) => numberOf(lastMinutes.get(device, metric, TIERS.minute.id, upTo)?.period),
  }

  const packing: CompactionStore = {
    reaches: (device, from) => anyFrom.get(device, from) !== undefined,
    segments: (device, from, to) => rowsOf(into.iterate(device, from, to)).map(({ data }) => data),
    putSegment: ({ device, first, last, received, data }, messages) => void insertSegment.run(device, first, last, received, messages, data),
    rollup(device, metric, tier, period) {
      const series = seriesOf(device, metric)
      const data = series === undefined ? undefined : selectRollup.get(series, TIERS[tier].id, period)?.data
      return data instanceof Uint8Array ? data : undefined
    },
    putRollup(device, metric, tier, period, data) {
      const series = seriesOf(device, metric) ?? Number(insertSeries.run(device, metric).lastInsertRowid)
      upsertRollup.run(series, TIERS[tier].id, period, data)
    },
  }
  return { segmentStore, packing }
}

/** Segments that have come since are read on demand. */
export function createSqliteNames(database: DatabaseSync): DeviceNames {
  const names = new Map<number, string>()
  const newDevices = database.prepare('SELECT id, name FROM device WHERE id > ? ORDER BY id')
  let newest = 0
  function all(): ReadonlyMap<number, string> {
    for (const { id, name } of newDevices.iterate(newest)) {
      names.set(Number(id), String(name))
      newest = Number(id)
    }
    return names
  }
  return { all, of: device => names.get(device) ?? all().get(device) ?? '' }
}

function toHead({ id, device, first, last }: Record<string, unknown>): SegmentHead {
  return { id: Number(id), device: Number(device), first: Number(first), last: Number(last) }
}

function toRow(row: Record<string, unknown>): SegmentRow[] {
  return row.data instanceof Uint8Array ? [{ ...toHead(row), data: row.data }] : []
}

function rowsOf(rows: Iterable<Record<string, unknown>>): SegmentRow[] {
  return [...rows].flatMap(toRow)
}

function numberOf(value: unknown): number | undefined {
  return typeof value === 'number' ? value : undefined
}
