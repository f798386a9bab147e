// What is told of a device's rhythm, and what is read from it where it comes back: after a restart, at a replica.
import type { PresenceChange } from '#shared/schemas/device'
import { SILENT_INTERVALS } from './own-interval'
import type { ReportingIntervals } from './reporting-interval'

type ReportedInterval = { [K in 'intervalSeconds' | 'silentAfterSeconds']?: PresenceChange[K] | undefined }

const SECOND_MS = 1_000
const INTERVAL_DIGITS = 2
/** A restart takes the limit from what was told, so that it is told more exactly. */
const LIMIT_DIGITS = 4

export function reportedInterval(intervals: ReportingIntervals, device: number): Pick<PresenceChange, 'intervalSeconds' | 'silentAfterSeconds'> {
  const observed = intervals.observed(device)
  return {
    ...(observed > 0 && { intervalSeconds: secondsOf(observed, INTERVAL_DIGITS) }),
    silentAfterSeconds: secondsOf(intervals.silentAfter(device), LIMIT_DIGITS),
  }
}

/** Takes a rhythm that was told before; one without an interval says only how long it has to be learned. */
export function restoreInterval(intervals: ReportingIntervals, device: number, nowMs: number, told: ReportedInterval) {
  const limit = learnedLimit(told)
  if (limit !== undefined && told.intervalSeconds !== undefined) intervals.remember(device, nowMs, limit * SECOND_MS, told.intervalSeconds * SECOND_MS)
}

/** The interval that a device is judged by, in milliseconds; undefined: it has none. */
export function judgedIntervalMs(told: ReportedInterval): number | undefined {
  const limit = learnedLimit(told)
  return limit === undefined ? undefined : limit / SILENT_INTERVALS * SECOND_MS
}

/** The limit in seconds of a device that has an interval. Before the limit was told, the interval was told as what it is derived from. */
function learnedLimit({ intervalSeconds, silentAfterSeconds }: ReportedInterval): number | undefined {
  return intervalSeconds === undefined ? undefined : silentAfterSeconds ?? intervalSeconds * SILENT_INTERVALS
}

function secondsOf(ms: number, digits: number): number {
  return Number((ms / SECOND_MS).toPrecision(digits))
}
