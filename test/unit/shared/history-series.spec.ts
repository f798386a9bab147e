import { describe, expect, it } from 'vitest'
import type { HistoryAnswer, HistoryPoint } from '#shared/schemas/history'
import { intervalAt, pointAt, toBands, toColumns, withSample } from '#shared/utils/history-series'

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
    const joined = withSample(numbers([point(0, 4)]), 5_000, 10)
    expect(joined.points).toEqual([{ time: 0, min: 3, max: 10, mean: 6, last: 10, count: 3 }])
    expect(withSample(joined, 10_000, 1).points[1]).toEqual({ time: 10_000, min: 1, max: 1, mean: 1, last: 1, count: 1 })
  })

  it('leaves out what came late or is of another kind', () => {
    const answer = numbers([point(20_000)])
    expect(withSample(answer, 5_000, 1).points).toEqual(answer.points)
    expect(withSample(answer, 50_000, 'broken')).toBe(answer)
  })

  it('extends a state, or begins another one', () => {
    const held = withSample(states([{ from: 0, to: 10, value: 'open' }]), 20, 'open')
    expect(held.points).toEqual([{ from: 0, to: 20, value: 'open' }])
    expect(withSample(held, 30, 'closed').points).toEqual([{ from: 0, to: 30, value: 'open' }, { from: 30, to: 30, value: 'closed' }])
    expect(withSample(states([]), 30, 'closed').points).toHaveLength(1)
  })
})
