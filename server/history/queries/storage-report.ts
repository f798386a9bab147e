import type { Storage, StorageTier } from '#shared/schemas/storage'
import { fromMicroseconds } from '#shared/time/time'
import type { RetentionLimits } from '../engine/retention-limits'
import type { StorageStats, TierCount } from '../engine/storage-stats'
import { NOTHING, withUncompacted } from '../engine/uncompacted'
import type { Uncompacted } from '../engine/uncompacted'

const LISTED_METRICS = 20

export interface Counted {
  stats: StorageStats | undefined
  /** All bytes of the history. */
  bytes: number
  limits: RetentionLimits
  uncompacted: Uncompacted
  /** Undefined: the device is deleted. */
  nameOf: (device: number) => string | undefined
  now: number
}

/** What is stored and how many bytes it takes, from the counts. */
export function storageReport({ stats, bytes, limits, uncompacted, nameOf, now }: Counted): Omit<Storage, 'fault' | 'durability' | 'devices'> {
  const packed = stats ?? NOTHING
  const { messages, tiers, series } = withUncompacted(packed, uncompacted)
  const growth = growthPerDay(packed.tiers.raw, now)
  const toTier = (tier: StorageTier['tier'], days: number): StorageTier => ({
    tier,
    bytes: tiers[tier].bytes,
    from: tiers[tier].from === null ? null : fromMicroseconds(tiers[tier].from),
    days: days === 0 ? null : days,
    // What is not packed yet takes more bytes now than later.
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

/** From the bytes of the last day, or of the time since the first message; not available within the first hour. */
function growthPerDay({ from, lastDayBytes }: TierCount, now: number): number | null {
  if (from === null) return null
  const span = Math.min(DAY_MS, now - from / 1000)
  return span < HOUR_MS ? null : lastDayBytes / span * DAY_MS
}
