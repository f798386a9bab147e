/** `2025-11-02T12:00:00.000Z`: whatever is no longer has no more digits. */
const WHOLE_MILLISECONDS = 24

/** ISO 8601 with zone -> microseconds since 1970; digits beyond the microsecond are cut. */
export function toMicroseconds(iso: string): number {
  // As most are written, with at most three digits: nothing to look for.
  if (iso.length <= WHOLE_MILLISECONDS) return Date.parse(iso) * 1000
  const fraction = /\.(\d+)/.exec(iso)?.[1] ?? ''
  const belowMillisecond = fraction.length > 3 ? Number(fraction.slice(3, 6).padEnd(3, '0')) : 0
  return Date.parse(iso) * 1000 + belowMillisecond
}

/** Microseconds since 1970 -> ISO 8601 in UTC, with six digits only where they are needed. */
export function fromMicroseconds(time: number): string {
  const below = ((time % 1000) + 1000) % 1000
  const iso = new Date((time - below) / 1000).toISOString()
  return below === 0 ? iso : iso.replace('Z', `${String(below).padStart(3, '0')}Z`)
}
