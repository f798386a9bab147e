import { describe, expect, it } from 'vitest'
import { isFollowed, liveWindow, parseWindow, RANGES_BY_LENGTH, refreshEvery, stepped, zoomed } from '#shared/history/history-range'
import { NOW } from '../fixtures'

const HOUR = 3_600_000
const window = { from: NOW - HOUR, to: NOW }

describe('parseWindow', () => {
  it('reads ISO 8601 and milliseconds', () => {
    expect(parseWindow('2026-11-14T02:00:00Z', '2026-11-14T04:00:00+01:00')).toEqual({ from: Date.parse('2026-11-14T02:00:00Z'), to: Date.parse('2026-11-14T03:00:00Z') })
    expect(parseWindow('1000', '61000')).toEqual({ from: 1_000, to: 61_000 })
  })

  it.each([['', ''], ['1000', ''], ['x', 'y'], ['61000', '1000'], ['1000', '1001'], ['-5', '61000'], ['0', '9999999999999999']])('refuses %j to %j', (from, to) => {
    expect(parseWindow(from, to)).toBeNull()
  })
})

describe('liveWindow', () => {
  it('ends now or a little later and is as long as its range', () => {
    for (const range of RANGES_BY_LENGTH) {
      const { from, to } = liveWindow(range, NOW + 123)
      expect(to).toBeGreaterThanOrEqual(NOW + 123)
      expect(to - NOW).toBeLessThanOrEqual((to - from) / 300)
    }
    expect(RANGES_BY_LENGTH).toEqual(['5m', '1h', '6h', '24h', '7d', '30d', '1y'])
  })

  it('stays where it is for the width of a pixel', () => {
    const aligned = Math.ceil(NOW / 6_000) * 6_000
    expect(liveWindow('1h', aligned - 5_000)).toEqual(liveWindow('1h', aligned - 100))
    expect(liveWindow('1h', aligned + 1).to).toBe(aligned + 6_000)
  })
})

describe('stepped', () => {
  it('goes half a window back and forth', () => {
    const before = stepped(window, -1, NOW)
    expect(before).toEqual({ from: NOW - 1.5 * HOUR, to: NOW - 0.5 * HOUR })
    expect(stepped({ from: NOW - 3 * HOUR, to: NOW - 2 * HOUR }, 1, NOW)).toEqual({ from: NOW - 2.5 * HOUR, to: NOW - 1.5 * HOUR })
  })

  it('becomes live again at the present, and does not go before 1970', () => {
    expect(stepped({ from: NOW - 1.5 * HOUR, to: NOW - 0.5 * HOUR }, 1, NOW)).toBeNull()
    expect(stepped({ from: 10, to: HOUR }, -1, NOW)).toEqual({ from: 0, to: HOUR - 10 })
  })
})

describe('zoomed', () => {
  it('keeps what is under the cursor in its place', () => {
    expect(zoomed({ from: 0, to: 100_000 }, 0.5, 25_000)).toEqual({ from: 12_500, to: 62_500 })
  })

  it('ends at two seconds and at twenty years', () => {
    const inward = zoomed({ from: 100_000, to: 103_000 }, 0.1)
    expect(inward.to - inward.from).toBe(2_000)
    const outward = zoomed({ from: 0, to: 19 * 365 * 24 * HOUR }, 4)
    expect(outward.to - outward.from).toBe(20 * 365 * 24 * HOUR)
  })
})

it('follows short windows and asks again for long ones in time', () => {
  expect(isFollowed(liveWindow('1h', NOW))).toBe(true)
  expect(isFollowed(liveWindow('6h', NOW))).toBe(false)
  expect(refreshEvery(liveWindow('5m', NOW))).toBe(60_000)
  expect(refreshEvery(liveWindow('24h', NOW))).toBe(144_000)
  expect(refreshEvery(liveWindow('1y', NOW))).toBe(600_000)
})
