// Owns the decision whether a message is the newest of its device, or late data such as a backlog. Promises a decision
// for every message at once, and a second one soon for a doubtful message. Never changes a device.
import type { Telemetry } from '#shared/schemas/telemetry'
import { isOlder, isUndated } from '#shared/device/device-state'

/** Two messages that overtook each other differ by at most this, in their times and in their arrival. */
const SWAP_MS = 5_000
/**
 * The times of a backlog rise this many times faster than it arrives. Times may be rounded to whole seconds and
 * arrive with jitter.
 */
const RUN_RATE = 2
const RUN_SLACK_MS = 1_500
/** A dense backlog is recognised by a much higher rate, from a distance on that jitter cannot explain. */
const DENSE_RATE = 10
const DENSE_MS = 50
const WHOLE_SECOND_MS = 1_000
/**
 * In doubt the last message is shown, at the latest with the third; messages with one time, such as one per metric,
 * count as one.
 */
const MOST_DOUBTFUL = 2
const MOST_WAITING = 64
/**
 * How long an older message must stay alone to count as the newest: a part of the device's interval, within these
 * limits.
 */
const ALONE_MIN_MS = 200
const ALONE_MAX_MS = 2_000
const ALONE_PART = 1 / 4
/** A clock that has stepped back and continues from there is the device's clock. */
const SETTLED_MS = 10_000
/** Number of devices with doubtful messages that are tracked at once; the oldest entry is dropped for a new one. */
const MAX_WATCHED = 10_000

/** `doubtful`: late for now; the newest if it stays alone. */
type Verdict = 'newest' | 'late' | 'doubtful'

/** A device that has sent something older than its last message. Times in milliseconds. */
interface Watched {
  /** The time at which its backlog ends. */
  highTime: number
  time: number
  received: number
  since: number
  isRun: boolean
  isSwap: boolean
  /**
   * Consecutive messages that neither belong to a backlog nor have a believable time, and those of them that may be
   * the newest.
   */
  doubtful: number
  waiting: Telemetry[]
  timer: NodeJS.Timeout | undefined
}

export interface LateDataOptions {
  /** The learned or configured interval of a device, in milliseconds, if there is one. */
  intervalOf: (deviceId: string) => number | undefined
  /** A doubtful message is the newest after all. */
  onNewest: (telemetry: Telemetry) => void
  maxWatched?: number
}

export interface LateData {
  /** @param held The last message of the device; undefined without one. */
  isLate: (telemetry: Telemetry, held: Telemetry | undefined, receivedMs: number) => boolean
  /** Every doubtful message counts as the newest now. */
  settle: () => void
}

export function createLateData({ intervalOf, onNewest, maxWatched = MAX_WATCHED }: LateDataOptions): LateData {
  const watched = new Map<string, Watched>()

  function watch(deviceId: string, entry: Watched) {
    if (watched.size >= maxWatched) {
      for (const [oldest, { waiting }] of watched) {
        release(oldest)
        waiting.forEach(onNewest)
        break
      }
    }
    watched.set(deviceId, entry)
  }

  function release(deviceId: string) {
    clearTimeout(watched.get(deviceId)?.timer)
    watched.delete(deviceId)
  }

  /** The waiting message is the newest after all. */
  function resolve(entry: Watched) {
    const { waiting } = entry
    clearTimeout(entry.timer)
    entry.waiting = []
    waiting.forEach(onNewest)
  }

  function wait(telemetry: Telemetry, entry: Watched) {
    entry.waiting.push(telemetry)
    clearTimeout(entry.timer)
    entry.timer = setTimeout(resolve, aloneMs(intervalOf(telemetry.deviceId)), entry)
    entry.timer.unref()
  }

  /** The first message of a device that is older than its last one. */
  function first(telemetry: Telemetry, held: Telemetry, receivedMs: number): Verdict {
    const time = Date.parse(telemetry.ts)
    const highTime = Date.parse(held.ts)
    const apartMs = receivedMs - Date.parse(held.receivedAt)
    const isSwap = highTime - time <= SWAP_MS && Math.abs(apartMs) <= SWAP_MS
    watch(telemetry.deviceId, { highTime, time, received: receivedMs, since: receivedMs, isRun: false, isSwap, doubtful: 1, waiting: [], timer: undefined })
    return isSwap || isCounted(telemetry, held) ? 'late' : 'doubtful'
  }

  /** The next one: its distance to the one before shows whether the device's time passes at normal speed. */
  function further(telemetry: Telemetry, held: Telemetry, entry: Watched, receivedMs: number): Verdict {
    const time = Date.parse(telemetry.ts)
    const [rise, passed] = [time - entry.time, Math.max(0, receivedMs - entry.received)]
    Object.assign(entry, { time, received: receivedMs })
    if (isRun(telemetry.ts, rise, passed)) {
      clearTimeout(entry.timer)
      Object.assign(entry, { isRun: true, doubtful: 0, waiting: [] })
      return 'late'
    }
    const isFast = passed < aloneMs(intervalOf(telemetry.deviceId))
    if (rise !== 0 || !isFast || entry.waiting.length >= MOST_WAITING) entry.doubtful++
    if (entry.doubtful <= MOST_DOUBTFUL && (isFast || rise < 0)) {
      const isSure = entry.isRun || entry.isSwap || isCounted(telemetry, held)
      return isSure && isFast ? 'late' : 'doubtful'
    }
    entry.isRun = false
    resolve(entry)
    if (receivedMs - entry.since >= SETTLED_MS) watched.delete(telemetry.deviceId)
    return 'newest'
  }

  function judge(telemetry: Telemetry, held: Telemetry, receivedMs: number): Verdict {
    const bySequence = judgeSequence(telemetry, held)
    const entry = watched.size > 0 ? watched.get(telemetry.deviceId) : undefined
    if (bySequence === 'newest' || (bySequence === undefined && isUndated(telemetry))) {
      if (entry) {
        release(telemetry.deviceId)
        resolve(entry)
      }
      return 'newest'
    }
    if (!entry) return bySequence === 'late' || isBehind(telemetry, held) ? first(telemetry, held, receivedMs) : 'newest'
    if (bySequence === undefined && Date.parse(telemetry.ts) >= entry.highTime) {
      release(telemetry.deviceId)
      return 'newest'
    }
    return further(telemetry, held, entry, receivedMs)
  }

  return {
    isLate(telemetry, held, receivedMs) {
      if (held === undefined || telemetry.replayed || (held.replayed && isUndated(held))) return false
      // The usual case: dated, not older than the one before, from a device without earlier doubt.
      if (watched.size === 0 && telemetry.seq === undefined && !isOlder(telemetry.ts, held.ts)) return false
      const verdict = judge(telemetry, held, receivedMs)
      const entry = verdict === 'doubtful' ? watched.get(telemetry.deviceId) : undefined
      if (entry) wait(telemetry, entry)
      return verdict !== 'newest'
    },
    settle() {
      for (const entry of watched.values()) resolve(entry)
    },
  }
}

/**
 * Whether a message is older than the one before. If that had no time of its own, it has the server's, which may be
 * slightly ahead.
 */
function isBehind({ ts }: Telemetry, held: Telemetry): boolean {
  return isOlder(ts, held.ts) && !(isUndated(held) && Date.parse(held.ts) - Date.parse(ts) <= SWAP_MS)
}

/** Both have a sequence number, which decides if it can. */
function isCounted({ seq }: Telemetry, held: Telemetry): boolean {
  return seq !== undefined && held.seq !== undefined && seq !== held.seq
}

/** The order by sequence numbers; undefined: they cannot tell. */
function judgeSequence(telemetry: Telemetry, held: Telemetry): 'newest' | 'late' | undefined {
  const [seq, before] = [telemetry.seq, held.seq]
  if (seq === undefined || before === undefined || seq === before) return undefined
  if (seq > before) return 'newest'
  // A restarted device counts from the beginning.
  if (isUndated(telemetry)) return seq <= 1 ? 'newest' : 'late'
  return isOlder(telemetry.ts, held.ts) ? 'late' : 'newest'
}

/** Whether times rise faster than messages arrive. */
function isRun(ts: string, riseMs: number, passedMs: number): boolean {
  if (riseMs > RUN_RATE * passedMs + RUN_SLACK_MS) return true
  const sureMs = riseMs - (ts.includes('.') ? 0 : WHOLE_SECOND_MS)
  return sureMs >= DENSE_MS && sureMs > DENSE_RATE * passedMs
}

/** How long a message of such a device must stay alone, in milliseconds. */
function aloneMs(intervalMs: number | undefined): number {
  return Math.min(ALONE_MAX_MS, Math.max(ALONE_MIN_MS, (intervalMs ?? 0) * ALONE_PART))
}
