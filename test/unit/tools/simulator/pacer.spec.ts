import { describe, expect, it } from 'vitest'
import { createPacer } from '../../../../tools/simulator/pacer'

describe('the pacer', () => {
  it.each([[0.5, 3_600], [3, 3_600], [20_000, 60]])('releases exactly %d messages a second over %d seconds, however uneven the timers', (rate, seconds) => {
    const pacer = createPacer(rate, 1_000)
    let released = 0
    for (let nowMs = 1_000, step = 0; nowMs < 1_000 + seconds * 1_000; step++) {
      nowMs = Math.min(nowMs + 1 + (step * 37 % 90), 1_000 + seconds * 1_000)
      const due = pacer.due(nowMs)
      pacer.sent(due)
      released += due
    }
    expect(released).toBe(rate * seconds)
    expect(pacer.skipped()).toBe(0)
  })

  it('keeps what could not be sent due, up to a second’s worth, and counts the rest as skipped', () => {
    const pacer = createPacer(100, 0)
    expect(pacer.due(500)).toBe(50)
    pacer.sent(20)
    expect(pacer.due(1_000)).toBe(80)
    expect(pacer.skipped()).toBe(0)
    expect(pacer.due(60_000)).toBe(100)
    expect(pacer.skipped()).toBe(6_000 - 20 - 100)
    pacer.sent(100)
    expect(pacer.due(60_010)).toBe(1)
  })

  it('says how long to wait for the next message', () => {
    const pacer = createPacer(4, 1_000)
    expect(pacer.due(1_249)).toBe(0)
    expect(pacer.waitMs(1_000)).toBe(250)
    expect(pacer.waitMs(1_400)).toBe(0)
    pacer.sent(1)
    expect(pacer.waitMs(1_400)).toBe(100)
  })

  it('never gives up the one message of a rate below one a second', () => {
    const pacer = createPacer(0.1, 0)
    expect(pacer.due(12_000)).toBe(1)
    expect(pacer.skipped()).toBe(0)
  })
})
