/** How many milliseconds one clock is ahead of another, as far as it is known. */
export interface ClockOffset {
  readonly leastMs: number
  readonly mostMs: number
  /** When it was measured, by the other clock. */
  readonly foundMs: number
}

/** An answer with a clock's time; when it was requested and when it came, by the other clock. */
export interface ClockAnswer { readonly clockMs: number, readonly requestedMs: number, readonly answeredMs: number }

/** Two correct clocks may drift apart by this much. */
const DRIFT = 1e-4

/** The time was read after the request and before the answer. */
export function offsetOf({ clockMs, requestedMs, answeredMs }: ClockAnswer): ClockOffset {
  return { leastMs: clockMs - answeredMs, mostMs: clockMs - requestedMs, foundMs: answeredMs }
}

/**
 * The offset after another answer: the range that both allow. If they contradict each other a clock was set, and the
 * new one is right.
 */
export function narrowedOffset(known: ClockOffset | undefined, answer: ClockAnswer): ClockOffset {
  const found = offsetOf(answer)
  if (!known) return found
  const driftMs = Math.abs(found.foundMs - known.foundMs) * DRIFT
  const leastMs = Math.max(found.leastMs, known.leastMs - driftMs)
  const mostMs = Math.min(found.mostMs, known.mostMs + driftMs)
  return leastMs <= mostMs ? { leastMs, mostMs, foundMs: found.foundMs } : found
}

/** The likeliest offset: the middle of the range. */
export function likelyOffsetMs({ leastMs, mostMs }: ClockOffset): number {
  return (leastMs + mostMs) / 2
}
