/** `2025-11-02T12:00:00.000Z`: a text that is not longer has no more digits. */
const WHOLE_MILLISECONDS = 24

const MINUTE_CHARACTERS = '2025-11-02T12:00:'.length
const ZERO = 48
const NINE = 57

// No time begins with this.
let lastMinute = '-'
let lastMinuteUs = Number.NaN

/** ISO 8601 with zone -> microseconds since 1970; digits beyond the microsecond are cut. */
export function toMicroseconds(iso: string): number {
  // Most are written like this and in the same minute as the one before: only their last digits must be parsed.
  const isUsual = iso.length === WHOLE_MILLISECONDS && iso[MINUTE_CHARACTERS + 2] === '.' && iso.endsWith('Z')
  if (isUsual && iso.startsWith(lastMinute)) return lastMinuteUs + (secondsIn(iso) * 1_000 + digits(iso, MINUTE_CHARACTERS + 3, 3)) * 1_000
  // At most three digits: nothing to search.
  const fraction = iso.length > WHOLE_MILLISECONDS ? /\.(\d+)/.exec(iso)?.[1] ?? '' : ''
  const belowMillisecond = fraction.length > 3 ? Number(fraction.slice(3, 6).padEnd(3, '0')) : 0
  const time = Date.parse(iso) * 1_000 + belowMillisecond
  if (isUsual) {
    lastMinute = iso.slice(0, MINUTE_CHARACTERS)
    lastMinuteUs = Date.parse(`${lastMinute}00Z`) * 1_000
  }
  return time
}

function secondsIn(iso: string): number {
  const seconds = digits(iso, MINUTE_CHARACTERS, 2)
  return seconds < 60 ? seconds : Number.NaN
}

/** The number at this position; `NaN` when it is none. */
function digits(text: string, at: number, count: number): number {
  let value = 0
  for (let i = at; i < at + count; i++) {
    const code = text.charCodeAt(i)
    if (code < ZERO || code > NINE) return Number.NaN
    value = value * 10 + code - ZERO
  }
  return value
}

/** Microseconds since 1970 -> ISO 8601 in UTC, with six digits only where they are needed. */
export function fromMicroseconds(time: number): string {
  const below = ((time % 1000) + 1000) % 1000
  const iso = new Date((time - below) / 1000).toISOString()
  return below === 0 ? iso : iso.replace('Z', `${String(below).padStart(3, '0')}Z`)
}
