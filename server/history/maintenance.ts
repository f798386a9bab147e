import type { DatabaseSync } from 'node:sqlite'
import type { Storage, StorageTier } from '#shared/schemas/storage'
import { fromMicroseconds } from '#shared/utils/time'
import { takeCensus } from './census'
import type { Census, TierCount } from './census'
import { eraseLeftovers, isLeftover } from './erasing'
import { pruneLines } from './presence-table'
import { prune, usedBytes } from './retention'
import type { RetentionLimits } from './retention'
import type { Store } from './store'

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
  let census: Census | undefined
  let running: Promise<void> | undefined
  let stopped = false

  async function run() {
    try {
      const unlessStopped = async (change: () => void) => !stopped && await transact(change)
      await eraseLeftovers(database, unlessStopped)
      const trusted = pruneNow()
      await prune(database, store, limits, trusted === undefined ? undefined : trusted * 1000, unlessStopped)
      await pruneLines(database, store.kept.raw, unlessStopped)
      if (!stopped) census = await takeCensus(database, now() * 1000)
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
    rawFrom: () => census?.tiers.raw.from,
    /** What is kept and what it costs; counted at most a minute ago. */
    async report(nameOf: (device: number) => string): Promise<Omit<Storage, 'fault' | 'durability' | 'devices'>> {
      if (!census) await (running ??= run())
      return storageReport({ census, bytes: usedBytes(database), limits, unpacked: store.tail.size(), nameOf: device => isLeftover(nameOf(device)) ? undefined : nameOf(device), now: now() })
    },
  }
}
export type Maintenance = ReturnType<typeof createMaintenance>

export interface Counted {
  census: Census | undefined
  /** All that the history takes up. */
  bytes: number
  limits: RetentionLimits
  unpacked: number
  /** Undefined: it is forgotten. */
  nameOf: (device: number) => string | undefined
  now: number
}

/** What is kept and what it costs, from what was counted. */
export function storageReport({ census, bytes, limits, unpacked, nameOf, now }: Counted): Omit<Storage, 'fault' | 'durability' | 'devices'> {
  const { messages, tiers, series } = census ?? { messages: 0, tiers: { raw: NOTHING, minute: NOTHING, hour: NOTHING }, series: [] }
  const growth = growthPerDay(tiers.raw, now)
  return {
    bytes,
    limitBytes: limits.bytes,
    messages: messages + unpacked,
    series: series.length,
    tiers: [toTier('raw', tiers.raw, limits.rawDays, now), toTier('minute', tiers.minute, limits.minuteDays, now), toTier('hour', tiers.hour, limits.hourDays, now)],
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

const NOTHING: TierCount = { bytes: 0, from: null, lastDayBytes: 0 }
const DAY_MS = 86_400_000
const HOUR_MS = 3_600_000

function toTier(tier: StorageTier['tier'], counted: TierCount, days: number, now: number): StorageTier {
  return {
    tier,
    bytes: counted.bytes,
    from: counted.from === null ? null : fromMicroseconds(counted.from),
    days: days === 0 ? null : days,
    bytesPerDay: growthPerDay(counted, now),
  }
}

/** From the bytes of the last day, or of the time since the first message; too early to tell within the first hour. */
function growthPerDay({ from, lastDayBytes }: TierCount, now: number): number | null {
  if (from === null) return null
  const span = Math.min(DAY_MS, now - from / 1000)
  return span < HOUR_MS ? null : lastDayBytes / span * DAY_MS
}
