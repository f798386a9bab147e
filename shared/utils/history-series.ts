import type { HistoryAnswer, HistoryInterval, HistoryPoint } from '#shared/schemas/history'
import type { MetricValue } from '#shared/schemas/telemetry'
import type { TimeWindow } from '#shared/utils/history-range'

/** Nothing for this many times the usual distance is a gap. */
const GAP = 3

export interface Columns {
  times: number[]
  mins: (number | null)[]
  maxs: (number | null)[]
  means: (number | null)[]
}

/** A piece of a coloured band, in per cent of the window. */
export type Band<T extends HistoryInterval = HistoryInterval> = T & { readonly left: number, readonly width: number }

/** Points as columns to draw; a row without values stands in every gap, so that no line bridges it. */
export function toColumns(points: readonly HistoryPoint[]): Columns {
  const columns: Columns = { times: [], mins: [], maxs: [], means: [] }
  const usual = usualDistance(points)
  let before: number | undefined
  for (const { time, min, max, mean } of points) {
    if (before !== undefined && time - before > usual * GAP) push(columns, before + usual, null, null, null)
    push(columns, time, min, max, mean)
    before = time
  }
  return columns
}

function push({ times, mins, maxs, means }: Columns, time: number, min: number | null, max: number | null, mean: number | null) {
  times.push(time)
  mins.push(min)
  maxs.push(max)
  means.push(mean)
}

/** The median distance of neighbouring points; endless for less than two. */
export function usualDistance(points: readonly HistoryPoint[]): number {
  const distances = points.slice(1).map(({ time }, i) => time - (points[i]?.time ?? time)).sort((a, b) => a - b)
  return distances[Math.floor(distances.length / 2)] ?? Number.POSITIVE_INFINITY
}

/** Intervals as pieces of a band, cut to the window. The last one holds until the window's end while that is live. */
export function toBands<T extends HistoryInterval>(intervals: readonly T[], { from, to }: TimeWindow, isLive: boolean): Band<T>[] {
  return intervals.flatMap((interval, i) => {
    const end = isLive && i === intervals.length - 1 ? to : interval.to
    const [start, stop] = [Math.max(from, interval.from), Math.min(to, end)]
    if (stop <= start) return []
    const perCent = (ms: number) => ms / (to - from) * 100
    return [{ ...interval, to: end, left: perCent(start - from), width: perCent(stop - start) }]
  })
}

/** The point nearest to a moment; `undefined` when the moment lies in a gap. */
export function pointAt(points: readonly HistoryPoint[], time: number): HistoryPoint | undefined {
  const next = points.findIndex(point => point.time > time)
  const [before, after] = next < 0 ? [points.at(-1), undefined] : [points[next - 1], points[next]]
  const isAfterNearer = after !== undefined && (before === undefined || after.time - time < time - before.time)
  const nearest = isAfterNearer ? after : before
  if (!nearest) return undefined
  return Math.abs(nearest.time - time) <= usualDistance(points) * GAP / 2 ? nearest : undefined
}

/** The value that held at a moment. */
export function intervalAt<T extends HistoryInterval>(intervals: readonly T[], time: number): T | undefined {
  return intervals.findLast(({ from, to }) => from <= time && time <= to)
}

/** An answer with one more value at its end. What came late stays out until the answer is asked for again. */
export function withSample(answer: HistoryAnswer, time: number, value: MetricValue): HistoryAnswer {
  if (answer.kind === 'number' && typeof value === 'number') {
    return { ...answer, points: withPoint(answer.points, time, value, answer.stepSeconds * 1_000) }
  }
  if (answer.kind === 'state') return { ...answer, points: withInterval(answer.points, time, value) }
  return answer
}

function withPoint(points: HistoryPoint[], time: number, value: number, stepMs: number): HistoryPoint[] {
  const last = points.at(-1)
  if (!last || time >= last.time + stepMs) {
    return [...points, { time, min: value, max: value, mean: value, last: value, count: 1 }]
  }
  if (time <= last.time) return points
  const count = last.count + 1
  const joined = { time: last.time, min: Math.min(last.min, value), max: Math.max(last.max, value), mean: last.mean + (value - last.mean) / count, last: value, count }
  return [...points.slice(0, -1), joined]
}

function withInterval(intervals: HistoryInterval[], time: number, value: MetricValue): HistoryInterval[] {
  const last = intervals.at(-1)
  if (!last) return [{ from: time, to: time, value }]
  if (time < last.from) return intervals
  if (last.value === value) return [...intervals.slice(0, -1), { ...last, to: Math.max(last.to, time) }]
  return [...intervals.slice(0, -1), { ...last, to: time }, { from: time, to: time, value }]
}
