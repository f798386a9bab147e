import { sharesOf } from '../engine/storage-stats'
import type { StorageStats, TierCount } from '../engine/storage-stats'
import type { RetentionLimits } from '../engine/retention-limits'
import type { RetainedFrom } from '../engine/rollup-store'
import { DAY, floorTo, TIERS } from '../engine/rollups'
import type { Awaitable } from '../engine/segment-store'
import { setMeta } from './migrations'
import { unescapeNul } from './nul-escaping'
import { FORMS } from './partitions'
import type { Partitions, Table } from './partitions'
import { pruneTransitions } from './presence'
import type { Query } from './connections'

const EVERY_MS = 60_000
/** Scans of whole tables run on every call only on demand. */
const ROUNDS_PER_SWEEP = 10

export interface PostgresMaintenanceOptions {
  read: Query
  partitions: Partitions
  limits: RetentionLimits
  retained: RetainedFrom & { hour: number }
  documentBytes: () => number
  earliest: () => Awaitable<number | undefined>
  now: () => number
  /** The time against which ages are measured before something is deleted; undefined: the clock cannot be trusted. */
  pruneNow: () => number | undefined
  /** False: another replica prunes; this one only measures. */
  isOurs?: () => boolean
}

/** Drops whole partitions that are too old or too much; creates the partitions of tomorrow. */
export function createPostgresMaintenance({
  read,
  partitions,
  limits,
  retained,
  documentBytes,
  earliest,
  now,
  pruneNow,
  isOurs = () => true,
}: PostgresMaintenanceOptions) {
  let running: Promise<void> | undefined
  let rounds = 0
  let measured: { usedBytes: number | undefined, rawFrom: number | null | undefined } = { usedBytes: undefined, rawFrom: undefined }

  const usedBytes = async () =>
    Number((await read('SELECT coalesce(sum(pg_total_relation_size(oid)), 0)::bigint AS n FROM pg_class WHERE relnamespace = current_schema()::regnamespace AND relkind = \'r\''))[0]?.n)

  async function giveUp(table: Table, before: number) {
    const tier = table === 'segment' ? 'raw' : table
    const from = table === 'segment' ? before : floorTo(before, TIERS[table].period)
    if (from <= retained[tier]) return
    await read(setMeta(tier, from))
    retained[tier] = from
    await partitions.dropBefore(table, from, read)
  }

  async function prune() {
    const trusted = pruneNow()
    const before = (days: number) => days === 0 || trusted === undefined ? 0 : trusted * 1_000 - days * DAY
    await giveUp('segment', before(limits.rawDays))
    await giveUp('minute', before(limits.minuteDays))
    await giveUp('hour', before(limits.hourDays))
    for (const { table } of FORMS) {
      for (let end = partitions.oldestEnd(table); end !== undefined && await usedBytes() - documentBytes() > limits.bytes; end = partitions.oldestEnd(table)) {
        await giveUp(table, end)
        // It may have been dropped logically before, when the table could not be dropped.
        await partitions.dropBefore(table, end, read, true)
      }
    }
  }

  async function applyRetention(sweeps: boolean) {
    for (const { table, width } of FORMS) await partitions.ensure(table, [now() * 1_000, now() * 1_000 + width], read)
    await eraseLeftovers(read)
    await prune()
    if (sweeps) await pruneTransitions(retained.raw, read)
  }

  async function round(sweeps: boolean) {
    try {
      if (isOurs()) await applyRetention(sweeps)
      measured = { usedBytes: await usedBytes(), rawFrom: await earliest() ?? null }
    }
    catch {
      // A reader blocks the drop, or the database cannot be reached (which is reported elsewhere): the next round
      // tries again.
    }
    running = undefined
  }

  const timer = setInterval(() => void (running ??= round(rounds++ % ROUNDS_PER_SWEEP === 0)), EVERY_MS)
  timer.unref()

  return {
    async run() {
      await running
      await (running ??= round(true))
    },
    usedBytes,
    /** As of the last round. */
    measured: () => measured,
    stats: () => countStorage(read, retained, now() * 1_000),
    async stop() {
      clearInterval(timer)
      await running
    },
  }
}

/** Deletes the rows of deleted devices. */
async function eraseLeftovers(query: Query) {
  for (const { id } of await query('SELECT id FROM device WHERE name IS NULL')) {
    await query('DELETE FROM segment WHERE device = $1', [id])
    for (const tier of ['minute', 'hour']) await query(`DELETE FROM ${tier} WHERE series IN (SELECT id FROM series WHERE device = $1)`, [id])
    await query('DELETE FROM series WHERE device = $1', [id])
    await query('DELETE FROM presence WHERE device = $1', [id])
    // The journal may still hold records of it; without a device they are ignored.
    await query('DELETE FROM device WHERE id = $1', [id])
  }
}

/** What the database holds. */
async function countStorage(
  query: Query,
  retained: RetainedFrom & { hour: number },
  now: number,
): Promise<StorageStats> {
  const tiers: StorageStats['tiers'] = { raw: emptyTier(), minute: emptyTier(), hour: emptyTier() }
  const byDevice = new Map<number, number>()
  const bySeries = new Map<number, number>()
  let messages = 0
  const sums = (by: string, begin: string) => `${by} AS of, sum(octet_length(data)) AS bytes, min(${begin}) AS begin, coalesce(sum(octet_length(data)) FILTER (WHERE ${begin} >= $1), 0) AS recent`
  for (const row of await query(
    `SELECT ${sums('device', 'last')}, min(first) AS first, sum(messages) AS messages
     FROM segment WHERE greatest(last, received) >= $2 GROUP BY device`,
    [now - DAY, retained.raw],
  )) {
    messages += Number(row.messages)
    byDevice.set(Number(row.of), Number(row.bytes))
    count(tiers.raw, Number(row.first), Number(row.bytes), Number(row.recent))
  }
  for (const tier of ['minute', 'hour'] as const) {
    for (const row of await query(
      `SELECT ${sums('series', 'period')} FROM ${tier} WHERE period >= $2 GROUP BY series`,
      [now - DAY, retained[tier]],
    )) {
      bySeries.set(Number(row.of), (bySeries.get(Number(row.of)) ?? 0) + Number(row.bytes))
      count(tiers[tier], Number(row.begin), Number(row.bytes), Number(row.recent))
    }
  }
  const series = (await query('SELECT id, device, metric FROM series')).map(({ id, device, metric }) => ({ id: Number(id), device: Number(device), metric: unescapeNul(metric) }))
  return { messages, tiers, series: sharesOf(series, byDevice, bySeries) }
}

function emptyTier(): TierCount {
  return { bytes: 0, from: null, lastDayBytes: 0 }
}

function count(tier: TierCount, from: number, bytes: number, recent: number) {
  tier.bytes += bytes
  tier.from = Math.min(tier.from ?? from, from)
  tier.lastDayBytes += recent
}
