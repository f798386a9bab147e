import type { HistoryGap, HistoryInterval } from '#shared/schemas/history'
import type { ValueSince } from './value-since'
import { floorTo } from '../engine/rollups'
import type { Rollup } from '../engine/rollups'
import type { Sample } from '../engine/segments'
import { numberIn, said } from '../engine/values'

/** Something that was said, in order of time: whether numbers are in it, and from when on there was none any more. */
interface Piece { time: number, hasNumber: boolean, lacksFrom: number | undefined }

/** What single samples say of gaps. */
export function samplePieces(samples: readonly Sample[]): Piece[] {
  return samples.map(({ time, value }) => ({ time, hasNumber: numberIn(value) !== undefined, lacksFrom: undefined }))
}

/** The same of buckets: of what lies in one of them only its end is known. */
export function rollupPieces(rollups: readonly Rollup[], step: number): Piece[] {
  return rollups.map(({ start, numbers, last }) => {
    const lacksFrom = numberIn(last) === undefined ? start + step : undefined
    return { time: start, hasNumber: numbers > 0, lacksFrom }
  })
}

/**
 * Where between two points, one a bucket of `step`, something else than a number was said, or that there is none. What lies
 * within one bucket parts no points.
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

/** Runs of equal values; each holds until the next begins or there is none, the last to the end of the range; the first may hold for longer. */
export function toIntervals(changes: readonly Sample[], end: number, held?: ValueSince): Intervals {
  const points: HistoryInterval[] = []
  const gaps: HistoryGap[] = []
  let open: HistoryInterval | undefined
  let gap: HistoryGap | undefined
  for (const sample of changes) {
    const [time, value] = [sample.time / 1000, said(sample.value)]
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
  if (held && first && said(held.value) === first.value && held.since < first.from * 1000) first.since = held.since / 1000
  return { points, gaps }
}
