import type { DatabaseSync } from 'node:sqlite'
import type { Storage, StorageTier } from '#shared/schemas/storage'
import { fromMicroseconds } from '#shared/time/time'
import { takeStorageStats } from './storage-stats'
import type { StorageStats, TierCount } from './storage-stats'
import { eraseLeftovers, isLeftover } from './device-deletion'
import { pruneTransitions } from './presence-table'
import { prune, usedBytes } from './retention'
import type { RetentionLimits } from './retention'
import type { Store } from './store'
import { createStorageStatsCache, createUncompactedCount, NOTHING, withUncompacted } from '../engine/uncompacted'
import type { Uncompacted } from '../engine/uncompacted'

const EVERY_MS = 60_000
const LISTED_METRICS = 20

export interface MaintenanceOptions {
  database: DatabaseSync
  store: Store
  limits: RetentionLimits
  /** Runs a change in one small transaction as soon as no turn is being stored; false when it cannot be run. */
  transact: (change: () => void) => Promise<boolean>
  now: () => number
  /** The time against which ages are measured before something is deleted, in milliseconds; undefined: it is not to be trusted. */
  pruneNow: () => number | undefined
}

/** Prunes and counts in the background; knows what the history costs. */
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
      await pruneTransitions(database, store.kept.raw, unlessStopped)
      fresh.clear()
      await fresh.get()
    }
    catch {
      // The store has failed (it says so itself) or was closed meanwhile: the next round tries again.
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
    /** Begin of the messages that are kept, in microseconds since 1970: null without any, undefined before it was counted. */
    rawFrom: () => stats?.tiers.raw.from,
    /** What is kept and what it costs; what is packed counted at most a minute ago. */
    async report(nameOf: (device: number) => string): Promise<Omit<Storage, 'fault' | 'durability' | 'devices'>> {
      // Where it cannot be counted now, what was counted last holds.
      await fresh.get().catch(() => undefined)
      return storageReport({ stats, bytes: usedBytes(database), limits, uncompacted: await uncompacted(), nameOf: device => isLeftover(nameOf(device)) ? undefined : nameOf(device), now: now() })
    },
  }
}
export type Maintenance = ReturnType<typeof createMaintenance>

export interface Counted {
  stats: StorageStats | undefined
  /** All that the history takes up. */
  bytes: number
  limits: RetentionLimits
  uncompacted: Uncompacted
  /** Undefined: it is forgotten. */
  nameOf: (device: number) => string | undefined
  now: number
}

/** What is kept and what it costs, from what was counted. */
export function storageReport({ stats, bytes, limits, uncompacted, nameOf, now }: Counted): Omit<Storage, 'fault' | 'durability' | 'devices'> {
  const packed = stats ?? NOTHING
  const { messages, tiers, series } = withUncompacted(packed, uncompacted)
  const growth = growthPerDay(packed.tiers.raw, now)
  const toTier = (tier: StorageTier['tier'], days: number): StorageTier => ({
    tier,
    bytes: tiers[tier].bytes,
    from: tiers[tier].from === null ? null : fromMicroseconds(tiers[tier].from),
    days: days === 0 ? null : days,
    // What waits to be packed takes up more now than it will.
    bytesPerDay: growthPerDay(packed.tiers[tier], now),
  })
  return {
    bytes,
    limitBytes: limits.bytes,
    messages,
    series: series.length,
    tiers: [toTier('raw', limits.rawDays), toTier('minute', limits.minuteDays), toTier('hour', limits.hourDays)],
    daysThatFit: growth ? Math.max(0, limits.bytes - tiers.minute.bytes - tiers.hour.bytes) / growth : null,
    metrics: series
      .toSorted((a, b) => b.bytes - a.bytes)
      .flatMap(({ device, metric, bytes }) => {
        const deviceId = nameOf(device)
        return deviceId === undefined ? [] : { deviceId, metric, bytes }
      })
      .slice(0, LISTED_METRICS),
  }
}

const DAY_MS = 86_400_000
const HOUR_MS = 3_600_000

/** From the bytes of the last day, or of the time since the first message; too early to tell within the first hour. */
function growthPerDay({ from, lastDayBytes }: TierCount, now: number): number | null {
  if (from === null) return null
  const span = Math.min(DAY_MS, now - from / 1000)
  return span < HOUR_MS ? null : lastDayBytes / span * DAY_MS
}
