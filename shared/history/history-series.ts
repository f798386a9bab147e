import type { LatestValue } from '#shared/schemas/device'
import type { HistoryAnswer, HistoryGap, HistoryInterval, HistoryPoint } from '#shared/schemas/history'
import type { MetricValue } from '#shared/schemas/telemetry'
import type { TimeWindow } from '#shared/history/history-range'

/** This many times the usual distance without a point is a gap. */
const GAP = 3

export interface Columns {
  times: number[]
  mins: (number | null)[]
  maxs: (number | null)[]
  means: (number | null)[]
}

/** A piece of a coloured band, in per cent of the window. */
export type Band<T extends HistoryInterval = HistoryInterval> = T & { readonly left: number, readonly width: number }

/**
 * Points as columns to draw; a row without values is in every gap, reported or found by distance, so that no line
 * crosses it.
 */
export function toColumns(points: readonly HistoryPoint[], gaps: readonly HistoryGap[] = []): Columns {
  const columns: Columns = { times: [], mins: [], maxs: [], means: [] }
  const usual = usualDistance(points)
  const reported = new Set(endsOf(points, gaps))
  const scale = scaleOf(points)
  let before: number | undefined
  for (const [i, { time, min, max, mean }] of points.entries()) {
    if (before !== undefined && (reported.has(i) || time - before > usual * GAP)) {
      push(columns, Math.min(before + usual, (before + time) / 2), null, null, null)
    }
    push(columns, time, min * scale, max * scale, mean * scale)
    before = time
  }
  return columns
}

/**
 * For each gap the index of the point with which it ends (a bucket begins before its content), Infinity for an open
 * one.
 */
function endsOf(points: readonly HistoryPoint[], gaps: readonly HistoryGap[]): number[] {
  let next = 0
  return gaps.map(({ to }) => {
    while (to !== null && next < points.length && (points[next]?.time ?? to) <= to) next++
    return to === null ? Infinity : next - 1
  })
}

export interface PointRow { time: number, min: number | null, mean: number | null, max: number | null }

/** Points as rows of a table, with one without values where a gap begins. */
export function rowsOf(points: readonly HistoryPoint[], gaps: readonly HistoryGap[] = []): PointRow[] {
  const none = gaps.map(({ from }) => ({ time: from, min: null, mean: null, max: null }))
  return [...points, ...none].sort((a, b) => a.time - b.time)
}

/**
 * The distance of the largest numbers is Infinity. Such an axis shows no numbers: only the shape counts, and it is
 * preserved.
 */
function scaleOf(points: readonly HistoryPoint[]): number {
  return points.some(({ min, max }) => Math.max(-min, max) > Number.MAX_VALUE / ROOM) ? 1 / ROOM : 1
}

const ROOM = 8

function push({ times, mins, maxs, means }: Columns, time: number, min: number | null, max: number | null, mean: number | null) {
  times.push(time)
  mins.push(min)
  maxs.push(max)
  means.push(mean)
}

/** The median distance of neighbouring points; Infinity for fewer than two. */
export function usualDistance(points: readonly HistoryPoint[]): number {
  const distances = points.slice(1).map(({ time }, i) => time - (points[i]?.time ?? time)).sort((a, b) => a - b)
  return distances[Math.floor(distances.length / 2)] ?? Number.POSITIVE_INFINITY
}

/**
 * Intervals as pieces of a band, cut to the window. The last one holds until the window's end while that is live,
 * unless it has ended.
 */
export function toBands<T extends HistoryInterval>(
  intervals: readonly T[], { from, to }: TimeWindow, isLive: boolean, gaps: readonly HistoryGap[] = [],
): Band<T>[] {
  const goesOn = isLive && !isOpen(gaps)
  return intervals.flatMap((interval, i) => {
    const end = goesOn && i === intervals.length - 1 ? to : interval.to
    const [start, stop] = [Math.max(from, interval.from), Math.min(to, end)]
    if (stop <= start) return []
    const perCent = (ms: number) => ms / (to - from) * 100
    return [{ ...interval, to: end, left: perCent(start - from), width: perCent(stop - start) }]
  })
}

/** Whether there has been no value since. */
function isOpen(gaps: readonly HistoryGap[] = []): boolean {
  return gaps.at(-1)?.to === null
}

/** The point nearest to a time; `undefined` when the time is in a gap. */
export function pointAt(
  points: readonly HistoryPoint[], time: number, gaps: readonly HistoryGap[] = [],
): HistoryPoint | undefined {
  const ends = endsOf(points, gaps).map(end => points[end]?.time ?? Infinity)
  if (gaps.some(({ from }, i) => from <= time && time < (ends[i] ?? Infinity))) return undefined
  const next = points.findIndex(point => point.time > time)
  const [before, after] = next < 0 ? [points.at(-1), undefined] : [points[next - 1], points[next]]
  const isAfterNearer = after !== undefined && (before === undefined || after.time - time < time - before.time)
  const nearest = isAfterNearer ? after : before
  if (!nearest) return undefined
  return Math.abs(nearest.time - time) <= usualDistance(points) * GAP / 2 ? nearest : undefined
}

/** The value that held at a time. */
export function intervalAt<T extends HistoryInterval>(intervals: readonly T[], time: number): T | undefined {
  return intervals.findLast(({ from, to }) => from <= time && time <= to)
}

/** An answer with one more value at its end. Late values are left out until the next load. */
export function withSample(answer: HistoryAnswer, time: number, { value, exact }: SampleValue): HistoryAnswer {
  if (answer.kind === 'samples') return answer
  if (answer.kind === 'state') return withState(answer, time, value)
  const number = exact ? Number(value) : value
  if (typeof number === 'number' && Number.isFinite(number)) return withNumber(answer, time, number, exact === true)
  // The kind is still unknown: the first value decides it.
  if (value !== null && answer.points.length === 0 && !answer.skipped) {
    const { deviceId, metric, unit, from, to, resolution } = answer
    return withState({ deviceId, metric, unit, from, to, resolution, kind: 'state', points: [] }, time, value)
  }
  if (isLate(answer.points, time)) return answer
  return { ...answer, gaps: opened(answer.gaps, time), skipped: (answer.skipped ?? 0) + 1 }
}

type SampleValue = Pick<LatestValue, 'value' | 'exact'>
type NumberAnswer = Extract<HistoryAnswer, { kind: 'number' }>
type StateAnswer = Extract<HistoryAnswer, { kind: 'state' }>

function isLate(points: readonly HistoryPoint[], time: number): boolean {
  return time < (points.at(-1)?.time ?? time)
}

function withNumber(answer: NumberAnswer, time: number, value: number, isRounded: boolean): HistoryAnswer {
  const points = withPoint(answer.points, time, value, answer.stepSeconds * 1_000)
  if (points === answer.points) return answer
  // A gap within one bucket separates no points.
  const isWithin = points.length === answer.points.length
  const gaps = answer.gaps && (isWithin ? answer.gaps.filter(({ to }) => to !== null) : closed(answer.gaps, time))
  return { ...answer, points, ...(gaps && { gaps }), ...(isRounded && { rounded: true }) }
}

function withState(answer: StateAnswer, time: number, value: LatestValue['value']): HistoryAnswer {
  const last = answer.points.at(-1)
  if (value === null) {
    if (time < (last?.from ?? time) || isOpen(answer.gaps)) return answer
    const ended = last ? [...answer.points.slice(0, -1), { ...last, to: time }] : []
    return { ...answer, points: ended, gaps: opened(answer.gaps, time) }
  }
  if (time < (answer.gaps?.at(-1)?.from ?? time)) return answer
  const fresh = { from: time, to: time, value }
  const held = isOpen(answer.gaps) ? [...answer.points, fresh] : withInterval(answer.points, time, value)
  return { ...answer, points: held, ...(answer.gaps && { gaps: closed(answer.gaps, time) }) }
}

function opened(gaps: readonly HistoryGap[] = [], time: number): HistoryGap[] {
  return isOpen(gaps) ? [...gaps] : [...gaps, { from: time, to: null }]
}

function closed(gaps: readonly HistoryGap[], time: number): HistoryGap[] {
  return gaps.map(gap => gap.to === null ? { ...gap, to: Math.max(gap.from, time) } : gap)
}

function withPoint(points: HistoryPoint[], time: number, value: number, stepMs: number): HistoryPoint[] {
  const last = points.at(-1)
  if (!last || time >= last.time + stepMs) {
    return [...points, { time, min: value, max: value, mean: value, last: value, count: 1 }]
  }
  if (time <= last.time) return points
  const count = last.count + 1
  // In parts, for the difference of two large numbers may be infinite.
  const mean = last.mean * (last.count / count) + value / count
  const [min, max] = [Math.min(last.min, value), Math.max(last.max, value)]
  return [...points.slice(0, -1), { time: last.time, min, max, mean, last: value, count }]
}

function withInterval(intervals: HistoryInterval[], time: number, value: MetricValue): HistoryInterval[] {
  const last = intervals.at(-1)
  if (!last) return [{ from: time, to: time, value }]
  if (time < last.from) return intervals
  if (last.value === value) return [...intervals.slice(0, -1), { ...last, to: Math.max(last.to, time) }]
  return [...intervals.slice(0, -1), { ...last, to: time }, { from: time, to: time, value }]
}
