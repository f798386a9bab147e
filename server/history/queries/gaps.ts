import type { HistoryGap, HistoryInterval } from '#shared/schemas/history'
import type { ValueSince } from './value-since'
import { floorTo } from '../engine/rollups'
import type { Rollup } from '../engine/rollups'
import type { Sample } from '../engine/segments'
import { numberIn, toMetricValue } from '../engine/values'

/** A reported value in order of time: whether it contains numbers, and from when on the metric had no value. */
interface Piece { time: number, hasNumber: boolean, lacksFrom: number | undefined }

/** The gaps that single samples show. */
export function samplePieces(samples: readonly Sample[]): Piece[] {
  return samples.map(({ time, value }) => ({ time, hasNumber: numberIn(value) !== undefined, lacksFrom: undefined }))
}

/** The same for buckets: within a bucket only the end of a gap is known. */
export function rollupPieces(rollups: readonly Rollup[], step: number): Piece[] {
  return rollups.map(({ start, numbers, last }) => {
    const lacksFrom = numberIn(last) === undefined ? start + step : undefined
    return { time: start, hasNumber: numbers > 0, lacksFrom }
  })
}

/**
 * The gaps between two points, one per bucket of `step`: where the metric had another kind of value, or none. A gap
 * within one bucket separates no points.
 */
export function gapsBetween(pieces: readonly Piece[], step: number): HistoryGap[] {
  const gaps: HistoryGap[] = []
  let from: number | undefined
  let bucket: number | undefined
  for (const { time, hasNumber, lacksFrom } of pieces) {
    if (!hasNumber) {
      from ??= time
      continue
    }
    const next = floorTo(time, step)
    if (from !== undefined && next !== bucket) gaps.push({ from: from / 1000, to: time / 1000 })
    bucket = next
    from = lacksFrom
  }
  if (from !== undefined) gaps.push({ from: from / 1000, to: null })
  return gaps
}

interface Intervals { points: HistoryInterval[], gaps: HistoryGap[] }

/**
 * Runs of equal values. Each holds until the next begins or the value ends, the last to the end of the range; the
 * first may have begun earlier.
 */
export function toIntervals(changes: readonly Sample[], end: number, held?: ValueSince): Intervals {
  const points: HistoryInterval[] = []
  const gaps: HistoryGap[] = []
  let open: HistoryInterval | undefined
  let gap: HistoryGap | undefined
  for (const sample of changes) {
    const [time, value] = [sample.time / 1000, toMetricValue(sample.value)]
    if (value === open?.value) continue
    if (open) open.to = time
    open = undefined
    if (value === null) {
      if (!gap) gaps.push(gap = { from: time, to: null })
      continue
    }
    if (gap) gap.to = time
    gap = undefined
    points.push(open = { from: time, to: end / 1000, value })
  }
  const [first] = points
  if (held && first && toMetricValue(held.value) === first.value && held.since < first.from * 1000) {
    first.since = held.since / 1000
  }
  return { points, gaps }
}
