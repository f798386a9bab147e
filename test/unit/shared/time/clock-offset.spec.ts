import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { likelyOffsetMs, narrowedOffset, offsetOf } from '#shared/time/clock-offset'
import type { ClockAnswer, ClockOffset } from '#shared/time/clock-offset'

const HOUR = 3_600_000

/** An answer of a clock that is `aheadMs` ahead; it took `thereMs` to the server and `backMs` back. */
function answer(aheadMs: number, requestedMs: number, thereMs: number, backMs: number): ClockAnswer {
  return { clockMs: requestedMs + thereMs + aheadMs, requestedMs, answeredMs: requestedMs + thereMs + backMs }
}

describe('the offset between two clocks', () => {
  it('is corrected by half the round trip', () => {
    expect(likelyOffsetMs(offsetOf(answer(-2 * HOUR, 1_000, 40, 40)))).toBe(-2 * HOUR)
    expect(offsetOf(answer(HOUR, 0, 300, 100))).toEqual({ leastMs: HOUR - 100, mostMs: HOUR + 300, foundMs: 400 })
  })

  it('lies within what every answer leaves open, and never gets worse', () => {
    const trip = fc.record({ waitMs: fc.integer({ min: 0, max: 1_000 }), thereMs: fc.integer({ min: 0, max: 5_000 }), backMs: fc.integer({ min: 0, max: 5_000 }) })
    fc.assert(fc.property(fc.integer({ min: -HOUR * 48, max: HOUR * 48 }), fc.array(trip, { minLength: 1, maxLength: 20 }), (aheadMs, trips) => {
      let known: ClockOffset | undefined
      let nowMs = 0
      for (const { waitMs, thereMs, backMs } of trips) {
        const before = known
        known = narrowedOffset(known, answer(aheadMs, nowMs += waitMs, thereMs, backMs))
        nowMs += thereMs + backMs
        expect(known.leastMs).toBeLessThanOrEqual(aheadMs)
        expect(known.mostMs).toBeGreaterThanOrEqual(aheadMs)
        expect(known.mostMs - known.leastMs).toBeLessThanOrEqual(before ? before.mostMs - before.leastMs + 0.001 * (nowMs - before.foundMs) : Infinity)
      }
    }))
  })

  it('begins anew when one of the clocks was set', () => {
    const before = narrowedOffset(undefined, answer(0, 0, 5, 5))
    expect(likelyOffsetMs(narrowedOffset(before, answer(2 * HOUR, 1_000, 10, 10)))).toBe(2 * HOUR)
    expect(likelyOffsetMs(narrowedOffset(before, answer(-500, 1_000, 10, 10)))).toBe(-500)
  })

  it('allows for clocks that drift apart', () => {
    const before = narrowedOffset(undefined, answer(0, 0, 5, 5))
    // A day later: 20 parts in a million are 1.7 s.
    const later = narrowedOffset(before, answer(1_728, 24 * HOUR, 5, 5))
    expect(Math.abs(likelyOffsetMs(later) - 1_728)).toBeLessThanOrEqual(5)
  })
})
