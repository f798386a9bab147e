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

/** `90_000` ms -> 90 seconds, `2_400_000` -> 40 minutes: the largest unit of which there are two, so that little is cut off. */
export function durationParts(ms: number): { value: number, unit: Intl.RelativeTimeFormatUnit } {
  const [unit, size] = UNITS.find(([, size]) => ms >= 2 * size) ?? ['second', 1_000] as const
  const value = ms / size
  return { value: value < 10 ? Math.round(value * 10) / 10 : Math.round(value), unit }
}
