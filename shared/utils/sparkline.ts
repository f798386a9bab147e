/**
 * The line of `[time, value]` points through a box as an SVG path; an even value runs through the middle. A new piece
 * begins where nothing came for longer than `gapMs`.
 */
export function sparklinePath(points: readonly (readonly [number, number])[], { from, to, width, height, gapMs }: SparklineBox): string {
  const values = points.map(([, value]) => value)
  const [low, high] = [Math.min(...values), Math.max(...values)]
  let before: number | undefined
  return points.flatMap(([time, value]) => {
    const x = (time - from) / (to - from) * width
    if (x < 0 || x > width) return []
    const share = high > low ? (value - low) / (high - low) : 0.5
    const move = before === undefined || time - before > gapMs ? 'M' : 'L'
    before = time
    return [`${move}${x.toFixed(1)} ${(height - share * height).toFixed(1)}`]
  }).join('')
}

export interface SparklineBox { from: number, to: number, width: number, height: number, gapMs: number }
