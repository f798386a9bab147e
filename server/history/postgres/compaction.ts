// Packs messages of some devices in the open transaction: one read of everything they touch, the same computation as
// SQLite (`../engine/segment-io.ts`), one write of what has changed.
import { hoursOf, lookedAt, packMessages } from '../engine/segment-io'
import type { RetainedFrom } from '../engine/rollup-store'
import { floorTo, TIERS } from '../engine/rollups'
import type { TierName } from '../engine/rollups'
import type { StoredMessage } from '../engine/segments'
import type { CompactionStore, SegmentRow } from '../engine/segment-store'
import { nextTurn, startSlice } from '../engine/scheduler'
import { unescapeNul, escapeNul } from './nul-escaping'
import type { Partitions } from './partitions'
import { toHead } from './segment-store'
import type { Query } from './connections'

/** Samples that collide move on by microseconds: this is the furthest. */
const SLACK = 1_000_000
const TIER_NAMES = ['minute', 'hour'] as const satisfies TierName[]

/** A device to pack: its messages up to the record `lastId`, and its state after it. */
export interface DeviceToPack {
  device: number
  messages: readonly StoredMessage[]
  lastId: number
  state: string | undefined
}

interface NewSegment extends Omit<SegmentRow, 'id'> { received: number, messages: number }

type Series = Map<number, Map<string, number>>

export interface CompactionParts { query: Query, partitions: Partitions, retained: RetainedFrom }

/** Packs them; the segments get the ids after `newestId`. @returns how many there are. */
export async function packDevices(
  packed: readonly DeviceToPack[],
  newestId: number,
  { query, partitions, retained }: CompactionParts,
): Promise<number> {
  const series = await readSeries(packed, query)
  const existing = await readSegments(packed, query)
  const held = new Map<string, Uint8Array | undefined>()
  for (const tier of TIER_NAMES) await readRollups(tier, packed, series, held, query)

  const fresh: NewSegment[] = []
  const changed = new Map<string, { series: number, tier: TierName, period: number, data: Uint8Array }>()
  const numberOf = (device: number, metric: string) => series.get(device)?.get(metric) ?? missing(`series of ${metric}`)
  const segmentStore: CompactionStore = {
    reaches: (device, from, to) => within(device, from, to).length > 0,
    segments: (device, from, to) => within(device, from, to).map(({ data }) => data),
    putSegment: (segment, messages) => void fresh.push({ ...segment, messages }),
    rollup(device, metric, tier, period) {
      const key = keyOf(tier, numberOf(device, metric), period)
      return held.has(key) ? held.get(key) : missing(`${tier} of ${metric}`)
    },
    putRollup(device, metric, tier, period, data) {
      const number = numberOf(device, metric)
      changed.set(keyOf(tier, number, period), { series: number, tier, period, data })
    },
  }
  function within(device: number, from: number, to: number) {
    return [...existing.get(device) ?? [], ...fresh.filter(segment => segment.device === device)].filter(({ first, last }) => last >= from && first <= to)
  }

  let inTime = startSlice()
  for (const { device, messages } of packed) {
    if (messages.length > 0) packMessages(segmentStore, device, messages, retained)
    if (inTime()) continue
    await nextTurn()
    inTime = startSlice()
  }
  await writeSegments(fresh, newestId, partitions, query)
  for (const tier of TIER_NAMES) await writeRollups(tier, [...changed.values()].filter(rollup => rollup.tier === tier), partitions, query)
  await query('UPDATE device SET archived = p.archived, state = coalesce(p.state, device.state) FROM unnest($1::int[], $2::bigint[], $3::text[]) AS p (id, archived, state) WHERE device.id = p.id AND device.name IS NOT NULL',
    [packed.map(({ device }) => device), packed.map(({ lastId }) => lastId), packed.map(({ state }) => state ?? null)])
  return fresh.length
}

function missing(what: string): never {
  throw new Error(`The ${what} was not read before packing.`)
}

function keyOf(tier: TierName, series: number, period: number): string {
  return `${tier} ${series} ${period}`
}

/** The numbers of all metrics; new metrics get one. */
async function readSeries(packed: readonly DeviceToPack[], query: Query): Promise<Series> {
  const series: Series = new Map()
  const wanted = packed.flatMap(({ device, messages }) => {
    const names = new Set(messages.flatMap(({ metrics }) => Object.keys(metrics)))
    return [...names].map(metric => ({ device, metric: escapeNul(metric) }))
  })
  if (wanted.length === 0) return series
  const values = [wanted.map(({ device }) => device), wanted.map(({ metric }) => metric)]
  await query('INSERT INTO series (device, metric) SELECT w.device, w.metric FROM unnest($1::int[], $2::text[]) AS w (device, metric) WHERE NOT EXISTS (SELECT 1 FROM series s WHERE s.device = w.device AND md5(s.metric) = md5(w.metric)) ON CONFLICT DO NOTHING', values)
  const rows = await query('SELECT s.id, s.device, s.metric FROM unnest($1::int[], $2::text[]) AS w (device, metric) JOIN series s ON s.device = w.device AND md5(s.metric) = md5(w.metric)', values)
  for (const { id, device, metric } of rows) {
    const own = series.get(Number(device)) ?? new Map<string, number>()
    series.set(Number(device), own.set(unescapeNul(metric), Number(id)))
  }
  return series
}

/** What lies in the minutes that messages touch, by device. */
async function readSegments(packed: readonly DeviceToPack[], query: Query): Promise<Map<number, SegmentRow[]>> {
  const ranges = packed.filter(({ messages }) => messages.length > 0).flatMap(({ device, messages }) => hoursOf(messages).map(hour => ({ device, ...lookedAt(hour) })))
  if (ranges.length === 0) return new Map()
  // The whole range, too: it tells PostgreSQL which partitions it can skip.
  const from = Math.min(...ranges.map(range => range.from))
  const to = Math.max(...ranges.map(range => range.to)) + TIERS.hour.step + SLACK
  const rows = await query(`SELECT DISTINCT ON (s.id) s.id, s.device, s.first, s.last, s.data FROM unnest($1::int[], $2::bigint[], $3::bigint[]) AS r (device, low, high)
    JOIN segment s ON s.device = r.device AND s.last >= r.low AND s.first <= r.high AND s.last <= r.high + ${TIERS.hour.step + SLACK}
    WHERE s.last BETWEEN $4 AND $5 ORDER BY s.id`, [ranges.map(({ device }) => device), ranges.map(range => range.from), ranges.map(range => range.to), from, to])
  return Map.groupBy(rows.flatMap(row => row.data instanceof Uint8Array ? { ...toHead(row), data: row.data } : []), ({ device }) => device)
}

/** The rows that messages may change, in their present state: `undefined` where there is none. */
async function readRollups(
  tier: TierName,
  packed: readonly DeviceToPack[],
  series: Series,
  held: Map<string, Uint8Array | undefined>,
  query: Query,
) {
  const { period } = TIERS[tier]
  const wanted = new Map<string, [series: number, period: number]>()
  for (const { device, messages } of packed) {
    for (const { time, metrics } of messages) {
      for (const metric in metrics) {
        const number = series.get(device)?.get(metric)
        if (number === undefined) continue
        for (const start of [floorTo(time, period), floorTo(time + SLACK, period)]) wanted.set(keyOf(tier, number, start), [number, start])
      }
    }
  }
  if (wanted.size === 0) return
  for (const key of wanted.keys()) held.set(key, undefined)
  const pairs = [...wanted.values()]
  const periods = pairs.map(([, start]) => start)
  const rows = await query(`SELECT t.series, t.period, t.data FROM unnest($1::int[], $2::bigint[]) AS w (series, period) JOIN ${tier} t ON t.series = w.series AND t.period = w.period WHERE t.period BETWEEN $3 AND $4`,
    [pairs.map(([number]) => number), periods, least(periods), -least(periods.map(start => -start))])
  for (const { series: number, period: start, data } of rows) if (data instanceof Uint8Array) held.set(keyOf(tier, Number(number), Number(start)), data)
}

/** `Math.min` accepts a limited number of arguments. */
function least(values: readonly number[]): number {
  return values.reduce((a, b) => Math.min(a, b), Infinity)
}

async function writeSegments(fresh: readonly NewSegment[], newestId: number, partitions: Partitions, query: Query) {
  if (fresh.length === 0) return
  await partitions.ensure('segment', fresh.map(({ last }) => last), query)
  await query(`INSERT INTO segment (id, device, first, last, received, messages, data)
    SELECT * FROM unnest($1::bigint[], $2::int[], $3::bigint[], $4::bigint[], $5::bigint[], $6::int[], $7::bytea[])`, [
    fresh.map((_, i) => newestId + 1 + i), fresh.map(({ device }) => device), fresh.map(({ first }) => first), fresh.map(({ last }) => last),
    fresh.map(({ received }) => received), fresh.map(({ messages }) => messages), fresh.map(({ data }) => data),
  ])
}

async function writeRollups(tier: TierName, rollups: readonly { series: number, period: number, data: Uint8Array }[], partitions: Partitions, query: Query) {
  if (rollups.length === 0) return
  await partitions.ensure(tier, rollups.map(({ period }) => period), query)
  await query(`INSERT INTO ${tier} (series, period, data) SELECT * FROM unnest($1::int[], $2::bigint[], $3::bytea[]) ON CONFLICT (series, period) DO UPDATE SET data = excluded.data`,
    [rollups.map(({ series }) => series), rollups.map(({ period }) => period), rollups.map(({ data }) => data)])
}
