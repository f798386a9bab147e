// Learns how often each device reports: a few numbers per device in one array, which costs the garbage collector
// nothing.
//
// Messages close together are one burst; a gap is the time from the start of one burst to the start of the next. The
// *own interval* of a device whose gaps hardly vary is the mean gap, otherwise the longest gap in memory. A single
// event is not a pattern: with many gaps the second longest counts. An absence is learned only if it recurs.
import { createLossRate } from './loss-rate'
import { ownInterval, REGULAR, SILENT_INTERVALS, STEADY_GAPS, VARYING_GAPS } from './own-interval'

const HOUR_MS = 3_600_000

const LATE_INTERVALS = 1.5
/** The same in longest gaps. */
const LATE_LONGEST = 1.2
/** Faster devices are judged like this: shorter delays come from networks and servers, not from devices. */
const SHORTEST_INTERVAL_MS = 1_000
/**
 * Silence means nothing for this long while a device has been heard too seldom: one that reports daily is not late
 * yet.
 */
const LEARNING_PATIENCE_MS = 25 * HOUR_MS
/** The same for a device that reports only events: nothing may happen over a weekend. */
const IRREGULAR_PATIENCE_MS = 72 * HOUR_MS

/** A message this many times sooner than the longest gap belongs to the burst before it. */
const BURST_RATIO = 20
/** A burst that lasts this many intervals is none: the device has become faster. */
const LONGEST_BURST = 2
/** No interval is known before this time: the first burst gives none. */
const LEARNING_MS = 10_000
/** The sign of lost messages: a gap of this many means, from a device whose gaps vary less than this. */
const MISSING = 1.8
const COUNTABLE = 0.5
/** From this many gaps on the second longest counts. */
const MANY_GAPS = 500
const MEAN_GAPS = 64
/** Two absences with fewer gaps in between: the device has another interval now. */
const RELEARN_GAPS = 5
/** The longest gaps are remembered for one to two blocks of this many gaps, and of at least this much time. */
const BLOCK_GAPS = 512
const BLOCK_MS = 24 * HOUR_MS

/** The numbers stored per device. Times are milliseconds of the uptime clock. */
const HEARD = 0
const BURST = 1
const SINCE = 2
const GAPS = 3
const MEAN = 4
const FIRST = 5
const SECOND = 6
const OLD_FIRST = 7
const OLD_SECOND = 8
const BLOCK_START = 9
const BLOCK_COUNT = 10
const SINCE_ABSENCE = 11
const INTERVAL = 12
const LATE_AFTER = 13
const SILENT_AFTER = 14
const GIVEN = 15
/** The measured mean gap: unlike MEAN, never a restored limit. */
const OBSERVED = 16
/** Of the gaps, in square milliseconds. */
const VARIANCE = 17
const NUMBERS = 18

/** A device is a number here, from 0 up. */
export function createReportingIntervals() {
  let cells = new Float64Array(64 * NUMBERS)
  const losses = createLossRate()

  function read(at: number, what: number): number {
    return cells[at + what] ?? 0
  }

  function longest(at: number): number {
    return Math.max(read(at, FIRST), read(at, OLD_FIRST))
  }

  function secondLongest(at: number): number {
    return Math.max(read(at, SECOND), read(at, OLD_SECOND), Math.min(read(at, FIRST), read(at, OLD_FIRST)))
  }

  /** Forgets everything but one gap of this length; 0: not even that. */
  function learnAnew(at: number, gap: number, now: number) {
    cells[at + SINCE] = now
    cells[at + GAPS] = gap > 0 ? 1 : 0
    cells[at + MEAN] = cells[at + FIRST] = cells[at + OBSERVED] = gap
    cells[at + VARIANCE] = 0
    cells[at + SECOND] = cells[at + OLD_FIRST] = cells[at + OLD_SECOND] = 0
    cells[at + BLOCK_START] = now
    cells[at + BLOCK_COUNT] = 0
    cells[at + SINCE_ABSENCE] = Infinity
    judge(at, now)
  }

  function learn(at: number, gap: number, now: number) {
    const gaps = read(at, GAPS) + 1
    if (gaps > STEADY_GAPS && deviation(at) <= COUNTABLE) losses.note(gap > MISSING * read(at, MEAN))
    cells[at + GAPS] = gaps
    cells[at + SINCE_ABSENCE] = read(at, SINCE_ABSENCE) + 1
    const weight = 1 / Math.min(gaps, MEAN_GAPS)
    const distance = gap - read(at, MEAN)
    cells[at + MEAN] = read(at, MEAN) + distance * weight
    cells[at + VARIANCE] = (1 - weight) * (read(at, VARIANCE) + weight * distance ** 2)
    cells[at + OBSERVED] = read(at, OBSERVED) + (gap - read(at, OBSERVED)) * weight
    if (gap >= read(at, FIRST)) {
      cells[at + SECOND] = read(at, FIRST)
      cells[at + FIRST] = gap
    }
    else if (gap > read(at, SECOND)) {
      cells[at + SECOND] = gap
    }
    const inBlock = read(at, BLOCK_COUNT) + 1
    cells[at + BLOCK_COUNT] = inBlock
    if (inBlock >= BLOCK_GAPS && now - read(at, BLOCK_START) >= BLOCK_MS) {
      cells[at + OLD_FIRST] = read(at, FIRST)
      cells[at + OLD_SECOND] = read(at, SECOND)
      cells[at + FIRST] = gap
      cells[at + SECOND] = 0
      cells[at + BLOCK_START] = now
      cells[at + BLOCK_COUNT] = 0
    }
    judge(at, now)
  }

  /** It was silent and is back. */
  function returned(at: number, gap: number, now: number) {
    if (read(at, SINCE_ABSENCE) < RELEARN_GAPS) return learnAnew(at, gap, now)
    // A very regular device has been away; for others such absences are learned step by step.
    if (typicalLongest(at) > REGULAR * read(at, MEAN)) learn(at, read(at, SILENT_AFTER), now)
    cells[at + SINCE_ABSENCE] = 0
  }

  /** The standard deviation of the gaps, in means. */
  function deviation(at: number): number {
    return Math.sqrt(read(at, VARIANCE)) / Math.max(read(at, MEAN), SHORTEST_INTERVAL_MS)
  }

  /** The longest gap that is normal. */
  function typicalLongest(at: number): number {
    return read(at, GAPS) < MANY_GAPS ? longest(at) : secondLongest(at)
  }

  function judge(at: number, now: number) {
    const interval = read(at, GIVEN) || learnedInterval(at, now)
    const normal = typicalLongest(at)
    cells[at + INTERVAL] = interval
    if (interval === 0) {
      const isLearning = read(at, GAPS) < VARYING_GAPS
      const patience = Math.max(isLearning ? LEARNING_PATIENCE_MS : IRREGULAR_PATIENCE_MS, SILENT_INTERVALS * normal)
      cells[at + LATE_AFTER] = cells[at + SILENT_AFTER] = patience
      return
    }
    cells[at + SILENT_AFTER] = SILENT_INTERVALS * interval
    const late = Math.max(LATE_INTERVALS * interval, read(at, GIVEN) ? 0 : LATE_LONGEST * normal)
    cells[at + LATE_AFTER] = Math.min(late, SILENT_INTERVALS * interval)
  }

  /** The own interval, 0 when it has none (yet). */
  function learnedInterval(at: number, now: number): number {
    if (now - read(at, SINCE) < LEARNING_MS) return 0
    return ownInterval(read(at, GAPS), Math.max(read(at, MEAN), SHORTEST_INTERVAL_MS), deviation(at), typicalLongest(at), losses.isLossy())
  }

  return {
    /** Makes room for a device; `givenMs`: its configured interval. */
    add(device: number, now: number, givenMs = 0) {
      const at = device * NUMBERS
      if (at + NUMBERS > cells.length) {
        const larger = new Float64Array(cells.length * 2)
        larger.set(cells)
        cells = larger
      }
      cells[at + GIVEN] = givenMs
      cells[at + HEARD] = cells[at + BURST] = now
      learnAnew(at, 0, now)
    },
    give(device: number, now: number, givenMs = 0) {
      cells[device * NUMBERS + GIVEN] = givenMs
      judge(device * NUMBERS, now)
    },
    /** Restores what was learned before: the silence limit and the mean gap. */
    remember(device: number, now: number, silentAfterMs: number, observedMs: number) {
      const at = device * NUMBERS
      const intervalMs = silentAfterMs / SILENT_INTERVALS
      learnAnew(at, intervalMs, now - LEARNING_MS)
      cells[at + OBSERVED] = observedMs
      // The variation of its gaps was not stored.
      cells[at + VARIANCE] = intervalMs ** 2
      cells[at + SECOND] = intervalMs
      cells[at + GAPS] = MANY_GAPS
      judge(at, now)
    },
    /** Heard for the first time after an absence that says nothing about its interval. */
    begin(device: number, now: number) {
      cells[device * NUMBERS + HEARD] = cells[device * NUMBERS + BURST] = now
    },
    /** Heard again. */
    hear(device: number, now: number) {
      const at = device * NUMBERS
      const quiet = now - read(at, HEARD)
      cells[at + HEARD] = now
      if (quiet * BURST_RATIO < typicalLongest(at)) {
        if (now - read(at, BURST) > LONGEST_BURST * Math.max(longest(at), read(at, MEAN))) {
          cells[at + BURST] = now
          learnAnew(at, 0, now)
        }
        return
      }
      const gap = now - read(at, BURST)
      cells[at + BURST] = now
      if (read(at, INTERVAL) > 0 && quiet > read(at, SILENT_AFTER)) return returned(at, gap, now)
      // What was learned so far was the inside of a burst.
      if (read(at, INTERVAL) === 0 && read(at, GAPS) < VARYING_GAPS && gap > BURST_RATIO * longest(at)) return learnAnew(at, gap, now)
      learn(at, gap, now)
    },
    heardAt: (device: number) => read(device * NUMBERS, HEARD),
    /** The own interval in milliseconds, 0 when it has none (yet). */
    interval: (device: number) => read(device * NUMBERS, INTERVAL),
    /** The mean gap in milliseconds of a device that has an own interval, and that interval until enough gaps are known; else 0. */
    observed(device: number): number {
      const at = device * NUMBERS
      const isKnown = read(at, GAPS) >= STEADY_GAPS && read(at, HEARD) - read(at, SINCE) >= LEARNING_MS
      return (read(at, INTERVAL) > 0 && isKnown && read(at, OBSERVED)) || read(at, INTERVAL)
    },
    lateAfter: (device: number) => read(device * NUMBERS, LATE_AFTER),
    silentAfter: (device: number) => read(device * NUMBERS, SILENT_AFTER),
  }
}

export type ReportingIntervals = ReturnType<typeof createReportingIntervals>
