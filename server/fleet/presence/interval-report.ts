// The reporting interval as it is reported, and how it is restored: after a restart, or on a replica.
import type { PresenceChange } from '#shared/schemas/device'
import { SILENT_INTERVALS } from './own-interval'
import type { ReportingIntervals } from './reporting-interval'

type ReportedInterval = { [K in 'intervalSeconds' | 'silentAfterSeconds']?: PresenceChange[K] | undefined }

const SECOND_MS = 1_000
const INTERVAL_DIGITS = 2
/** A restart restores the limit from the report, so it needs more digits. */
const LIMIT_DIGITS = 4

export function reportedInterval(intervals: ReportingIntervals, device: number): Pick<PresenceChange, 'intervalSeconds' | 'silentAfterSeconds'> {
  const observed = intervals.observed(device)
  return {
    ...(observed > 0 && { intervalSeconds: secondsOf(observed, INTERVAL_DIGITS) }),
    silentAfterSeconds: secondsOf(intervals.silentAfter(device), LIMIT_DIGITS),
  }
}

/** Restores a reported interval; without an interval there is nothing to restore. */
export function restoreInterval(
  intervals: ReportingIntervals,
  device: number,
  nowMs: number,
  reported: ReportedInterval,
) {
  const limit = learnedLimit(reported)
  if (limit !== undefined && reported.intervalSeconds !== undefined) intervals.remember(
    device,
    nowMs,
    limit * SECOND_MS,
    reported.intervalSeconds * SECOND_MS,
  )
}

/** The interval for judging a device, in milliseconds; undefined: it has none. */
export function judgedIntervalMs(reported: ReportedInterval): number | undefined {
  const limit = learnedLimit(reported)
  return limit === undefined ? undefined : limit / SILENT_INTERVALS * SECOND_MS
}

/**
 * The limit in seconds of a device that has an interval. Older versions reported only the interval, from which the
 * limit follows.
 */
function learnedLimit({ intervalSeconds, silentAfterSeconds }: ReportedInterval): number | undefined {
  return intervalSeconds === undefined ? undefined : silentAfterSeconds ?? intervalSeconds * SILENT_INTERVALS
}

function secondsOf(ms: number, digits: number): number {
  return Number((ms / SECOND_MS).toPrecision(digits))
}
