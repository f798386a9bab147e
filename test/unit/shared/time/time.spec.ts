import { describe, expect, it } from 'vitest'
import { fromMicroseconds, toMicroseconds } from '#shared/time/time'

const DAY_MS = 86_400_000

describe('toMicroseconds', () => {
  it('reads what `Date` reads, whatever was read before', () => {
    for (let i = 0; i < 20_000; i++) {
      // Mostly of the minute of the one before, now and then of another one.
      const ms = 1_700_000_000_000 + Math.floor(i / 50) * DAY_MS / 7 + i * 997 % 60_000
      const iso = new Date(ms).toISOString()
      expect(toMicroseconds(iso)).toBe(Date.parse(iso) * 1_000)
    }
  })

  it.each([
    ['2025-11-02T12:00:00Z', '2025-11-02T12:00:00.000Z', 0],
    ['2025-11-02T12:00:07.5Z', '2025-11-02T12:00:07.500Z', 0],
    ['2025-11-02T12:00:07.123456Z', '2025-11-02T12:00:07.123Z', 456],
    ['2025-11-02T12:00:07.1234Z', '2025-11-02T12:00:07.123Z', 400],
    ['2025-11-02T13:00:07.123456789+01:00', '2025-11-02T12:00:07.123Z', 456],
    ['2025-11-02T14:00:07+02:00', '2025-11-02T12:00:07.000Z', 0],
    ['1969-12-31T23:59:59.999Z', '1969-12-31T23:59:59.999Z', 0],
  ])('%s', (iso, milliseconds, below) => {
    expect(toMicroseconds('2025-11-02T12:00:59.999Z')).toBe(Date.parse('2025-11-02T12:00:59.999Z') * 1_000)
    expect(toMicroseconds(iso)).toBe(Date.parse(milliseconds) * 1_000 + below)
  })

  it('is not a number for what is no time', () => {
    expect(toMicroseconds('2025-11-02T12:00:01.000Z')).toBe(1_762_084_801_000_000)
    for (const text of ['', '-', 'x'.repeat(24), '2025-11-02T12:00:60.000Z', '2025-11-02T12:00:0a.000Z', '2025-11-02T12:00:00.0 0Z']) expect(toMicroseconds(text)).toBeNaN()
  })

  it('is what fromMicroseconds has written', () => {
    for (const time of [0, 1, 999, 1_000, 1_762_084_801_000_001, 1_762_084_801_123_456, -1, -1_000_001]) expect(toMicroseconds(fromMicroseconds(time))).toBe(time)
  })
})
