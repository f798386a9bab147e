import type { DatabaseSync } from 'node:sqlite'
import type { Storage } from '#shared/schemas/storage'
import { takeStorageStats } from './storage-stats'
import type { StorageStats } from '../engine/storage-stats'
import { storageReport } from '../queries/storage-report'
import { eraseLeftovers, isLeftover } from './device-deletion'
import { pruneTransitions } from './presence-table'
import { prune, usedBytes } from './retention'
import type { RetentionLimits } from '../engine/retention-limits'
import type { Store } from './store'
import { createStorageStatsCache, createUncompactedCount } from '../engine/uncompacted'

const EVERY_MS = 60_000

export interface MaintenanceOptions {
  database: DatabaseSync
  store: Store
  limits: RetentionLimits
  /** Runs a change in one small transaction as soon as no turn is being stored; false when it cannot run. */
  transact: (change: () => void) => Promise<boolean>
  now: () => number
  /**
   * The time against which ages are measured before something is deleted, in milliseconds; undefined: the clock
   * cannot be trusted.
   */
  pruneNow: () => number | undefined
}

/** Prunes and counts in the background; knows how many bytes the history takes. */
export function createMaintenance({ database, store, limits, transact, now, pruneNow }: MaintenanceOptions) {
  let stats: StorageStats | undefined
  const fresh = createStorageStatsCache(async () => {
    if (!stopped) stats = await takeStorageStats(database, now() * 1000)
  })
  const uncompacted = createUncompactedCount(store.head)
  let running: Promise<void> | undefined
  let stopped = false

  async function run() {
    try {
      const unlessStopped = async (change: () => void) => !stopped && await transact(change)
      await eraseLeftovers(database, unlessStopped)
      const trusted = pruneNow()
      await prune(database, store, limits, trusted === undefined ? undefined : trusted * 1000, unlessStopped)
      await pruneTransitions(database, store.retained.raw, unlessStopped)
      fresh.clear()
      await fresh.get()
    }
    catch {
      // The store has failed (and reports that itself) or was closed meanwhile: the next round tries again.
    }
    running = undefined
  }

  const timer = setInterval(() => void (running ??= run()), EVERY_MS)
  timer.unref()

  return {
    /** Prunes and counts now; also what the timer does. */
    run: () => running ??= run(),
    stop() {
      stopped = true
      clearInterval(timer)
    },
    /**
     * Begin of the retained messages, in microseconds since 1970: null without any, undefined before the first count.
     */
    rawFrom: () => stats?.tiers.raw.from,
    /** What is stored and how many bytes it takes; the count of what is packed is at most a minute old. */
    async report(nameOf: (device: number) => string): Promise<Omit<Storage, 'fault' | 'durability' | 'devices'>> {
      // If it cannot be counted now, the last count holds.
      await fresh.get().catch(() => undefined)
      return storageReport({ stats, bytes: usedBytes(database), limits, uncompacted: await uncompacted(), nameOf: device => isLeftover(nameOf(device)) ? undefined : nameOf(device), now: now() })
    },
  }
}
export type Maintenance = ReturnType<typeof createMaintenance>
