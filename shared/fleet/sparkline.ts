import type { HistoryGap } from '#shared/schemas/history'

/**
 * The line of `[time, value]` points through a box as an SVG path; a constant value is in the middle. A new piece
 * begins after more than `gapMs` without a point, and after each of the `gaps`.
 */
export function sparklinePath(points: readonly (readonly [number, number])[], box: SparklineBox): string {
  const { from, to, width, height, gapMs, gaps = [] } = box
  const hasGap = (since: number, time: number) => gaps.some(gap => gap.to !== null && gap.to > since && gap.to <= time)
  // Halves: the difference of two large numbers may be infinite.
  const values = points.map(([, value]) => value / 2)
  const [low, high] = [Math.min(...values), Math.max(...values)]
  let before: number | undefined
  return points.flatMap(([time, value]) => {
    const x = (time - from) / (to - from) * width
    if (x < 0 || x > width) return []
    const share = high > low ? (value / 2 - low) / (high - low) : 0.5
    const isApart = before === undefined || time - before > gapMs || hasGap(before, time)
    const move = isApart ? 'M' : 'L'
    before = time
    return [`${move}${x.toFixed(1)} ${(height - share * height).toFixed(1)}`]
  }).join('')
}

export interface SparklineBox {
  from: number
  to: number
  width: number
  height: number
  gapMs: number
  gaps?: readonly HistoryGap[] | undefined
}
