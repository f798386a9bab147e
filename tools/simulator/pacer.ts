/** Says how many messages are due. Counts from the start, so that rounding and late timers never add up to a drift. */
export interface Pacer {
  /** How many messages may be sent at `nowMs`. What lies more than a second behind is given up and counted as skipped. */
  due: (nowMs: number) => number
  /** `count` of the due messages have been sent. */
  sent: (count: number) => void
  /** Milliseconds from `nowMs` until the next message is due; 0 when one is. */
  waitMs: (nowMs: number) => number
  /** Messages given up so far because sending them was not possible in time. */
  skipped: () => number
}

const MAX_BEHIND_SECONDS = 1

/**
 * @param rate Messages per second, above zero; fractions are fine.
 * @param startMs Time of the start by the same (monotonic) clock that the later calls are given.
 */
export function createPacer(rate: number, startMs: number): Pacer {
  const maxBehind = Math.max(1, Math.floor(rate * MAX_BEHIND_SECONDS))
  let settled = 0
  let skipped = 0
  return {
    due(nowMs) {
      const owed = Math.floor((nowMs - startMs) * rate / 1_000) - settled
      const tooLate = Math.max(0, owed - maxBehind)
      settled += tooLate
      skipped += tooLate
      return Math.max(0, owed - tooLate)
    },
    sent(count) {
      settled += count
    },
    waitMs: nowMs => Math.max(0, startMs + (settled + 1) * 1_000 / rate - nowMs),
    skipped: () => skipped,
  }
}
