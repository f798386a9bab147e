import type { DatabaseSync, StatementSync } from 'node:sqlite'
import { nextTurn, startSlice } from '../engine/scheduler'
import { sharesOf } from '../engine/storage-stats'
import type { StorageStats, TierCount } from '../engine/storage-stats'

const ROWS_PER_STEP = 200
const DAY = 86_400_000_000

/** Counts in slices, so that a large history blocks nothing; the answer is as old as the count took. */
export async function takeStorageStats(database: DatabaseSync, now: number): Promise<StorageStats> {
  const stats: StorageStats = { messages: 0, tiers: { raw: emptyTier(), minute: emptyTier(), hour: emptyTier() }, series: [] }
  const byDevice = new Map<number, number>()
  const bySeries = new Map<number, number>()

  const segments = database.prepare(`SELECT id, device, first, last, messages, length(data) AS bytes FROM segment WHERE id > ? ORDER BY id LIMIT ${ROWS_PER_STEP}`)
  await walk(segments, (row) => {
    stats.messages += Number(row.messages)
    byDevice.set(Number(row.device), (byDevice.get(Number(row.device)) ?? 0) + Number(row.bytes))
    count(stats.tiers.raw, Number(row.first), Number(row.bytes), Number(row.last) >= now - DAY)
  })
  const rollups = database.prepare(`SELECT id, series, tier, period, length(data) AS bytes FROM rollup WHERE id > ? ORDER BY id LIMIT ${ROWS_PER_STEP}`)
  await walk(rollups, (row) => {
    bySeries.set(Number(row.series), (bySeries.get(Number(row.series)) ?? 0) + Number(row.bytes))
    count(row.tier === 1 ? stats.tiers.minute : stats.tiers.hour, Number(row.period), Number(row.bytes), Number(row.period) >= now - DAY)
  })
  const rows = database.prepare('SELECT id, device, metric FROM series').all().map(({ id, device, metric }) => ({ id: Number(id), device: Number(device), metric: String(metric) }))
  stats.series = sharesOf(rows, byDevice, bySeries)
  return stats
}

function emptyTier(): TierCount {
  return { bytes: 0, from: null, lastDayBytes: 0 }
}

function count(tier: TierCount, from: number, bytes: number, isOfLastDay: boolean) {
  tier.bytes += bytes
  tier.from = Math.min(tier.from ?? from, from)
  if (isOfLastDay) tier.lastDayBytes += bytes
}

async function walk(statement: StatementSync, visit: (row: Record<string, unknown>) => void) {
  let last = 0
  for (let more = true; more;) {
    const inTime = startSlice()
    while (more && inTime()) {
      const rows = statement.all(last)
      for (const row of rows) visit(row)
      last = Number(rows.at(-1)?.id ?? last)
      more = rows.length === ROWS_PER_STEP
    }
    await nextTurn()
  }
}
