const UNITS: [Intl.RelativeTimeFormatUnit, number][] = [
  ['day', 86_400_000], ['hour', 3_600_000], ['minute', 60_000], ['second', 1_000],
]

/** `-90_000` ms -> `-1 minute`: the largest unit that fits, cut off towards zero so that nothing looks older than it is. */
export function relativeParts(differenceMs: number): { value: number, unit: Intl.RelativeTimeFormatUnit } {
  for (const [unit, size] of UNITS) {
    if (Math.abs(differenceMs) >= size) return { value: Math.trunc(differenceMs / size), unit }
  }
  return { value: 0, unit: 'second' }
}
