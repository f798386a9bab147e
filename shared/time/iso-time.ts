// All ISO 8601 forms of a point in time, as RFC 3339 text for the other code: devices have libraries of every age.

/** A week, ordinal or calendar date. */
const DATE = /([+-]\d\d)?(\d{4})-?(?:[Ww](\d\d)-?([1-7])|(\d{3})|(\d\d)-?(\d\d))/
/** Hours to seconds, with a fraction of the last of them. */
const CLOCK = /(\d\d)(?::?(\d\d)(?::?(\d\d))?)?(?:[.,](\d+))?/
const ZONE = /([Zz]|[+\-\u2212]\d\d(?::?\d\d)?)/
const TIME = new RegExp(`^${DATE.source}[Tt ]${CLOCK.source}${ZONE.source}$`)
/** More digits are more exact than any clock. */
const FRACTION_DIGITS = 9
const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS
const DAY_MS = 24 * HOUR_MS

/**
 * ISO 8601 with zone -> RFC 3339, with the same offset; `undefined` if it is no time. A leap second becomes the next
 * second.
 */
export function toRfc3339(text: string): string | undefined {
  const parts = TIME.exec(text)
  if (!parts) return undefined
  const [, century, year, week, weekday, dayOfYear, month, day, hours, minutes, seconds, fraction, zone = ''] = parts
  const dayMs = dayOf(Number(`${century ?? ''}${year}`), { week, weekday, dayOfYear, month, day })
  const offset = offsetOf(zone)
  const time = timeOfDay(hours, minutes, seconds, fraction)
  if (dayMs === undefined || !offset || !time) return undefined
  const localMs = dayMs + time.ms
  if (time.isLeap && !isMonthEnd(localMs - offset.ms)) return undefined
  const local = new Date(localMs).toISOString()
  // Years of more than four digits are no RFC 3339.
  if (local.length > '2025-11-02T12:00:00.000Z'.length) return undefined
  return local.slice(0, '2025-11-02T12:00:00'.length) + time.fraction + offset.text
}

/** Whether a text lacks only its zone. */
export function lacksZone(text: string): boolean {
  return toRfc3339(text) === undefined && toRfc3339(`${text}Z`) !== undefined
}

type DateParts = Partial<Record<'week' | 'weekday' | 'dayOfYear' | 'month' | 'day', string | undefined>>

/** The begin of a day in UTC, if there is such a day. */
function dayOf(year: number, { week, weekday, dayOfYear, month, day }: DateParts): number | undefined {
  const [first, next] = [startOfYear(year), startOfYear(year + 1)]
  if (week !== undefined) {
    const found = firstMonday(year) + ((Number(week) - 1) * 7 + Number(weekday) - 1) * DAY_MS
    return week !== '00' && found < firstMonday(year + 1) ? found : undefined
  }
  if (dayOfYear !== undefined) {
    const found = first + (Number(dayOfYear) - 1) * DAY_MS
    return found >= first && found < next ? found : undefined
  }
  const date = new Date(first)
  date.setUTCMonth(Number(month) - 1, Number(day))
  // A date that does not exist, such as the 30th of February, becomes another day.
  return date.getUTCMonth() === Number(month) - 1 && date.getUTCDate() === Number(day) ? date.getTime() : undefined
}

/** `Date.UTC` takes years below 100 for those of the last century. */
function startOfYear(year: number): number {
  return new Date(0).setUTCFullYear(year, 0, 1)
}

/** The Monday of week 1, which is the week of the 4th of January. */
function firstMonday(year: number): number {
  const fourth = startOfYear(year) + 3 * DAY_MS
  return fourth - (new Date(fourth).getUTCDay() + 6) % 7 * DAY_MS
}

interface TimeOfDay { ms: number, fraction: string, isLeap: boolean }

/** The time of day in whole seconds, and the fraction of the last as text. */
function timeOfDay(hours = '', minutes?: string, seconds?: string, fraction?: string): TimeOfDay | undefined {
  const [h, m, s] = [Number(hours), Number(minutes ?? 0), Number(seconds ?? 0)]
  if (h > 24 || m > 59 || s > 60) return undefined
  // Midnight at the end of a day: nothing of the next one.
  if (h === 24 && (m > 0 || s > 0 || Number(fraction ?? 0) > 0)) return undefined
  const ms = h * HOUR_MS + m * MINUTE_MS + s * 1_000
  if (fraction === undefined) return { ms, fraction: '', isLeap: s === 60 }
  if (seconds !== undefined) return { ms, fraction: `.${fraction.slice(0, FRACTION_DIGITS)}`, isLeap: s === 60 }
  const microseconds = Math.round(Number(`0.${fraction}`) * (minutes === undefined ? HOUR_MS : MINUTE_MS) * 1_000)
  const below = microseconds % 1_000_000
  const digits = below === 0 ? '' : `.${String(below).padStart(6, '0')}`
  return { ms: ms + (microseconds - below) / 1_000, fraction: digits, isLeap: false }
}

function offsetOf(zone: string): { ms: number, text: string } | undefined {
  if (zone === 'Z' || zone === 'z') return { ms: 0, text: 'Z' }
  const sign = zone.startsWith('+') ? '+' : '-'
  const [hours, minutes] = [zone.slice(1, 3), zone.slice(3).replace(':', '') || '00']
  if (Number(hours) > 23 || Number(minutes) > 59) return undefined
  const ms = Number(hours) * HOUR_MS + Number(minutes) * MINUTE_MS
  return { ms: sign === '+' ? ms : -ms, text: `${sign}${hours}:${minutes}` }
}

/** Leap seconds are inserted where a month ends in UTC, and nowhere else. */
function isMonthEnd(utcMs: number): boolean {
  return utcMs % DAY_MS === 0 && new Date(utcMs).getUTCDate() === 1
}
