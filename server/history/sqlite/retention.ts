import type { DatabaseSync } from 'node:sqlite'
import { documentBytes } from '../documents'
import { floorTo, TIERS } from '../engine/rollups'
import type { RetentionLimits } from '../engine/retention-limits'
import { repeat } from './repeat'
import type { Store } from './store'

const DAY = 86_400_000_000
const ROWS_PER_STEP = 20
/** Pruning goes this far below the limit, so that it does not run again every minute. */
const SPARE = 0.95

/** Pages in use, in bytes: pruning changes this at once, whatever the size of the file. */
export function usedBytes(database: DatabaseSync): number {
  const pragma = (name: string) => Number(Object.values(database.prepare(`PRAGMA ${name}`).get() ?? {})[0])
  return (pragma('page_count') - pragma('freelist_count')) * pragma('page_size')
}

/**
 * Deletes what is older than the retention of its tier (nothing by age if `now` is undefined). Then, while the whole
 * is too large, it deletes the oldest messages, minutes and hours, in this order. `transact` runs one small
 * transaction; other work runs between them.
 * @throws when the store does.
 */
export async function prune(database: DatabaseSync, store: Store, limits: RetentionLimits, now: number | undefined, transact: (change: () => void) => Promise<boolean>) {
  const steps = createSteps(database, store)
  const before = (days: number) => days === 0 || now === undefined ? 0 : now - days * DAY
  await repeat(transact, () => steps.dropMessages(before(limits.rawDays)))
  await repeat(transact, () => steps.dropRollups('minute', before(limits.minuteDays)))
  await repeat(transact, () => steps.dropRollups('hour', before(limits.hourDays)))
  const others = documentBytes(database)
  if (usedBytes(database) - others > limits.bytes) {
    const tooLarge = () => usedBytes(database) - others > limits.bytes * SPARE
    await repeat(transact, () => tooLarge() && steps.dropOldestMessages())
    await repeat(transact, () => tooLarge() && steps.dropOldestRollups('minute'))
    await repeat(transact, () => tooLarge() && steps.dropOldestRollups('hour'))
  }
  await repeat(transact, () => steps.giveBack())
}

function createSteps(database: DatabaseSync, store: Store) {
  // By arrival: late messages are retained as long as others.
  const oldSegments = database.prepare(`DELETE FROM segment WHERE id IN (SELECT id FROM segment WHERE max(last, received) < ? ORDER BY max(last, received) LIMIT ${ROWS_PER_STEP})`)
  const oldRollups = database.prepare(`DELETE FROM rollup WHERE id IN (SELECT id FROM rollup WHERE tier = ? AND period < ? LIMIT ${ROWS_PER_STEP})`)
  const lastOfOldest = database.prepare(`SELECT max(arrived) AS last FROM (SELECT max(last, received) AS arrived FROM segment ORDER BY max(last, received) LIMIT ${ROWS_PER_STEP})`)
  const oldestPeriod = database.prepare('SELECT min(period) AS period FROM rollup WHERE tier = ?')
  const vacuum = database.prepare('PRAGMA incremental_vacuum(50)')

  const steps = {
    dropMessages(before: number): boolean {
      if (before > store.retained.raw) store.retainFrom('raw', before)
      return Number(oldSegments.run(before).changes) === ROWS_PER_STEP
    },
    dropRollups(tier: 'minute' | 'hour', before: number): boolean {
      const { id, period } = TIERS[tier]
      const start = floorTo(before, period)
      if (tier === 'minute' && start > store.retained.minute) store.retainFrom('minute', start)
      return Number(oldRollups.run(id, start).changes) === ROWS_PER_STEP
    },
    dropOldestMessages(): boolean {
      const last = lastOfOldest.get()?.last
      if (last === null || last === undefined) return false
      steps.dropMessages(Number(last) + 1)
      return true
    },
    dropOldestRollups(tier: 'minute' | 'hour'): boolean {
      const { id, period } = TIERS[tier]
      const oldest = oldestPeriod.get(id)?.period
      if (oldest === null || oldest === undefined) return false
      steps.dropRollups(tier, Number(oldest) + period)
      return true
    },
    /** Shrinks the file by some of its free pages. */
    giveBack(): boolean {
      const free = () => Number(database.prepare('PRAGMA freelist_count').get()?.freelist_count)
      const before = free()
      if (before === 0) return false
      vacuum.all()
      return free() < before
    },
  }
  return steps
}
