import { describe, expect, it } from 'vitest'
import type { HistoryAnswer, HistoryPoint } from '#shared/schemas/history'
import { intervalAt, pointAt, toBands, toColumns, withSample } from '#shared/history/history-series'

const point = (time: number, value = time): HistoryPoint => ({ time, min: value - 1, max: value + 1, mean: value, last: value, count: 2 })
const head = { deviceId: 'tor-1', metric: 'm', unit: null, from: '1970-01-01T00:00:00Z', to: '1970-01-01T00:01:00Z', resolution: 'raw' as const }
const numbers = (points: HistoryPoint[], stepSeconds = 10): HistoryAnswer => ({ ...head, kind: 'number', stepSeconds, points })
const states = (points: { from: number, to: number, value: string }[]): HistoryAnswer => ({ ...head, kind: 'state', points })

describe('toColumns', () => {
  it('sets band and line side by side', () => {
    expect(toColumns([point(10), point(20)])).toEqual({ times: [10, 20], mins: [9, 19], maxs: [11, 21], means: [10, 20] })
  })

  it('puts an empty row where nothing came for more than three times the usual distance', () => {
    const { times, means } = toColumns([point(0), point(10), point(20), point(51), point(61)])
    expect(times).toEqual([0, 10, 20, 30, 51, 61])
    expect(means).toEqual([0, 10, 20, null, 51, 61])
    expect(toColumns([point(0), point(10), point(20), point(50)]).times).toHaveLength(4)
  })

  it('knows no gap in nothing, one point or two', () => {
    expect(toColumns([]).times).toEqual([])
    expect(toColumns([point(5)]).times).toEqual([5])
    expect(toColumns([point(5), point(5_000)]).times).toEqual([5, 5_000])
  })
})

describe('a gap that is told', () => {
  const points = [point(0), point(10), point(20), point(30)]

  it('parts the line before the point that ends it, wherever in its bucket that began', () => {
    expect(toColumns(points, [{ from: 12, to: 23 }]).means).toEqual([0, 10, null, 20, 30])
    expect(toColumns(points, [{ from: 21, to: 23 }, { from: 31, to: null }]).means).toEqual([0, 10, null, 20, 30])
    expect(toColumns(points, [{ from: -5, to: 3 }]).means).toEqual([0, 10, 20, 30])
    expect(toColumns([], [{ from: 1, to: null }]).times).toEqual([])
  })

  it('has no value at the cursor', () => {
    const gaps = [{ from: 12, to: 23 }, { from: 31, to: null }]
    expect([11, 13, 19].map(time => pointAt(points, time, gaps)?.time)).toEqual([10, undefined, undefined])
    expect([20, 30, 31, 40].map(time => pointAt(points, time, gaps)?.time)).toEqual([20, 30, undefined, undefined])
  })

  it('ends the last band, live or not', () => {
    const intervals = [{ from: 0, to: 50, value: 'open' }]
    expect(toBands(intervals, { from: 0, to: 100 }, true, [{ from: 50, to: null }])).toMatchObject([{ to: 50, width: 50 }])
    expect(toBands(intervals, { from: 0, to: 100 }, true, [{ from: 10, to: 20 }])).toMatchObject([{ to: 100, width: 100 }])
  })

  it('keeps the shape of numbers that are too large for the distance between them to be one', () => {
    const { mins, means, maxs } = toColumns([{ ...point(0), min: -Number.MAX_VALUE, mean: 1, max: Number.MAX_VALUE }])
    expect(Number.isFinite((maxs[0] ?? 0) * 1.1 - (mins[0] ?? 0) * 1.1)).toBe(true)
    expect(means).toEqual([0.125])
    expect(toColumns([{ ...point(0), max: 1e300 }]).maxs).toEqual([1e300])
  })
})

describe('pointAt', () => {
  const points = [point(0), point(10), point(20), point(100), point(110)]

  it('finds the nearest point', () => {
    expect(pointAt(points, 13)?.time).toBe(10)
    expect(pointAt(points, 17)?.time).toBe(20)
    expect(pointAt(points, 118)?.time).toBe(110)
  })

  it('finds nothing in a gap', () => {
    expect(pointAt(points, 60)).toBeUndefined()
    expect(pointAt([], 60)).toBeUndefined()
  })
})

describe('toBands', () => {
  const intervals = [{ from: 0, to: 50, value: 'open' }, { from: 50, to: 90, value: 'closed' }]

  it('cuts intervals to the window', () => {
    expect(toBands(intervals, { from: 25, to: 125 }, false)).toEqual([
      { value: 'open', from: 0, to: 50, left: 0, width: 25 },
      { value: 'closed', from: 50, to: 90, left: 25, width: 40 },
    ])
  })

  it('lets the last one hold while live, and leaves out what is not in sight', () => {
    expect(toBands(intervals, { from: 60, to: 160 }, true)).toEqual([{ value: 'closed', from: 50, to: 160, left: 0, width: 100 }])
  })

  it('says what held at a moment', () => {
    expect(intervalAt(intervals, 50)?.value).toBe('closed')
    expect(intervalAt(intervals, 95)).toBeUndefined()
  })
})

describe('withSample', () => {
  it('joins a number into the open bucket and begins the next one', () => {
    const joined = withSample(numbers([point(0, 4)]), 5_000, { value: 10 })
    expect(joined.points).toEqual([{ time: 0, min: 3, max: 10, mean: 6, last: 10, count: 3 }])
    expect(withSample(joined, 10_000, { value: 1 }).points[1]).toEqual({ time: 10_000, min: 1, max: 1, mean: 1, last: 1, count: 1 })
  })

  it('leaves out what came late', () => {
    const answer = numbers([point(20_000)])
    expect(withSample(answer, 5_000, { value: 1 }).points).toEqual(answer.points)
  })

  it('opens a gap where a number was, and closes it with the next one', () => {
    const open = withSample(withSample(numbers([point(0)]), 12_000, { value: null }), 14_000, { value: 'unavailable' })
    expect(open).toMatchObject({ points: { length: 1 }, gaps: [{ from: 12_000, to: null }], skipped: 2 })
    expect(withSample(open, 25_000, { value: 3 })).toMatchObject({ points: { length: 2 }, gaps: [{ from: 12_000, to: 25_000 }], skipped: 2 })
    // Within one bucket.
    expect(withSample(withSample(numbers([point(0)]), 4_000, { value: null }), 6_000, { value: 3 })).toMatchObject({ points: { length: 1 }, gaps: [], skipped: 1 })
    expect(withSample(numbers([point(20_000)]), 5_000, { value: null })).not.toHaveProperty('gaps')
  })

  it('draws a large whole number rounded, and says so', () => {
    expect(withSample(numbers([]), 5_000, { value: '9007199254740993', exact: true })).toMatchObject({ points: [{ mean: 9_007_199_254_740_992 }], rounded: true })
    expect(withSample(numbers([]), 5_000, { value: '9007199254740993' })).toMatchObject({ kind: 'state', points: [{ value: '9007199254740993' }] })
  })

  it('has a mean of numbers whose sum is none', () => {
    expect(withSample(numbers([{ ...point(0), min: 1.7e308, max: 1.7e308, mean: 1.7e308, last: 1.7e308, count: 1 }]), 5_000, { value: -1.7e308 }).points).toMatchObject([{ mean: 0 }])
  })

  it('ends a state, and begins it anew', () => {
    const open = withSample(states([{ from: 0, to: 10, value: 'open' }]), 20, { value: null })
    expect(open).toMatchObject({ points: [{ from: 0, to: 20 }], gaps: [{ from: 20, to: null }] })
    expect(withSample(open, 30, { value: null })).toBe(open)
    expect(withSample(open, 15, { value: 'closed' })).toBe(open)
    expect(withSample(open, 40, { value: 'open' })).toMatchObject({ points: [{ from: 0, to: 20 }, { from: 40, to: 40, value: 'open' }], gaps: [{ from: 20, to: 40 }] })
  })

  it('extends a state, or begins another one', () => {
    const held = withSample(states([{ from: 0, to: 10, value: 'open' }]), 20, { value: 'open' })
    expect(held.points).toEqual([{ from: 0, to: 20, value: 'open' }])
    expect(withSample(held, 30, { value: 'closed' }).points).toEqual([{ from: 0, to: 30, value: 'open' }, { from: 30, to: 30, value: 'closed' }])
    expect(withSample(states([]), 30, { value: 'closed' }).points).toHaveLength(1)
  })
})
