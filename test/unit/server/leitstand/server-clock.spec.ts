import { describe, expect, it } from 'vitest'
import { createServerClock } from '../../../../server/leitstand/server-clock'

const NOON = Date.parse('2026-11-27T12:00:00.000Z')
const SECOND = 1_000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

function clockAt(start = NOON) {
  const time = { wall: start, passed: 5_000 }
  const lines: string[] = []
  const clock = createServerClock({ log: { warn: line => lines.push(line) }, wall: () => time.wall, monotonic: () => time.passed })
  return {
    clock, lines,
    pass(ms: number) {
      time.wall += ms
      time.passed += ms
    },
    set: (ms: number) => void (time.wall += ms),
  }
}

describe('the clock of the server', () => {
  it('shows what the clock of the computer shows', () => {
    const { clock, pass, lines } = clockAt()
    expect(clock.now()).toBe(NOON)
    pass(HOUR)
    expect(clock.now()).toBe(NOON + HOUR)
    expect(clock.lastStep()).toBeNull()
    expect(lines).toEqual([])
  })

  it('stands still while it is set back by up to two minutes', () => {
    const { clock, pass, set, lines } = clockAt()
    clock.now()
    set(-2 * MINUTE)
    expect(clock.now()).toBe(NOON)
    pass(MINUTE)
    expect(clock.now()).toBe(NOON)
    pass(MINUTE + 1)
    expect(clock.now()).toBe(NOON + 1)
    expect(lines).toEqual([])
  })

  it('takes a larger set-back, logs and remembers it', () => {
    const { clock, set, pass, lines } = clockAt()
    clock.now()
    set(-HOUR)
    expect(clock.now()).toBe(NOON - HOUR)
    pass(SECOND)
    expect(clock.now()).toBe(NOON - HOUR + SECOND)
    expect(clock.lastStep()).toEqual({ at: '2026-11-27T11:00:00.000Z', setBackSeconds: 3_600 })
    expect(lines).toHaveLength(1)
    expect(lines[0]).toContain('set back by 3600 seconds')
  })

  it('notices a set-back while the server was not there', () => {
    const large = clockAt()
    large.clock.resume(NOON + HOUR)
    expect(large.clock.now()).toBe(NOON)
    expect(large.clock.lastStep()).toMatchObject({ setBackSeconds: 3_600 })
    const small = clockAt()
    small.clock.resume(NOON + MINUTE)
    expect(small.clock.now()).toBe(NOON + MINUTE)
    expect(small.clock.lastStep()).toBeNull()
  })
})

describe('the time by which something is deleted', () => {
  it('is the time of the computer, however often it is asked for', () => {
    const { clock, pass, set } = clockAt()
    for (let i = 0; i < 50; i++) {
      expect(clock.pruneNow()).toBe(NOON + i * HOUR)
      pass(HOUR)
    }
    set(-2 * HOUR)
    expect(clock.pruneNow()).toBe(NOON + 48 * HOUR)
    set(DAY - MINUTE)
    expect(clock.pruneNow()).toBeDefined()
  })

  it('is not trusted for an hour after a jump of more than a day', () => {
    const { clock, pass, set, lines } = clockAt()
    set(400 * DAY)
    expect(clock.pruneNow()).toBeUndefined()
    pass(59 * MINUTE)
    expect(clock.pruneNow()).toBeUndefined()
    pass(MINUTE)
    expect(clock.pruneNow()).toBe(NOON + 400 * DAY + HOUR)
    expect(lines).toHaveLength(1)
    expect(lines[0]).toContain('400 days')
  })

  it('is trusted at once when the clock is set back to where it was, and begins its hour anew when it jumps on', () => {
    const { clock, pass, set } = clockAt()
    set(400 * DAY)
    expect(clock.pruneNow()).toBeUndefined()
    pass(30 * MINUTE)
    set(400 * DAY)
    expect(clock.pruneNow()).toBeUndefined()
    pass(40 * MINUTE)
    expect(clock.pruneNow()).toBeUndefined()
    set(-800 * DAY)
    expect(clock.pruneNow()).toBe(NOON + 70 * MINUTE)
  })

  it('is not trusted for an hour when the server was away for more than a day', () => {
    const { clock, pass } = clockAt()
    clock.resume(NOON - 2 * DAY)
    expect(clock.pruneNow()).toBeUndefined()
    pass(HOUR)
    expect(clock.pruneNow()).toBe(NOON + HOUR)
    const other = clockAt()
    other.clock.resume(NOON - 23 * HOUR)
    expect(other.clock.pruneNow()).toBe(NOON)
  })
})
