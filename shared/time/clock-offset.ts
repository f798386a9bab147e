/** By how many milliseconds one clock is ahead of another, as far as it is known. */
export interface ClockOffset {
  readonly leastMs: number
  readonly mostMs: number
  /** When it was found, by the other clock. */
  readonly foundMs: number
}

/** An answer in which a clock told its time; when it was asked for and came, by the other clock. */
export interface ClockAnswer { readonly saidMs: number, readonly askedMs: number, readonly answeredMs: number }

/** Two clocks that are both right may drift apart by so much. */
const DRIFT = 1e-4

/** The time was said after it was asked for and before the answer was there. */
export function offsetOf({ saidMs, askedMs, answeredMs }: ClockAnswer): ClockOffset {
  return { leastMs: saidMs - answeredMs, mostMs: saidMs - askedMs, foundMs: answeredMs }
}

/**
 * What is known after another answer: what both leave open. Where they contradict each other a clock was set, and the
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

/** The likeliest: the middle of what is left open. */
export function likelyOffsetMs({ leastMs, mostMs }: ClockOffset): number {
  return (leastMs + mostMs) / 2
}
