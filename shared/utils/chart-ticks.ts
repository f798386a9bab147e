const MINUTE = 60_000
const DAY = 86_400_000
/** Above this a number is wider than the axis; compact notation would write British millions as metres. */
const LARGEST_WRITTEN_OUT = 999_999
const MOST_DECIMALS = 6

/** Marks of a time axis `incrementMs` apart in the words of a language; midnight shows its date. */
export function timeTicks(language: string, times: readonly number[], incrementMs: number, timeZone?: string): string[] {
  const format = (options: Intl.DateTimeFormatOptions) => new Intl.DateTimeFormat(language, { ...options, timeZone })
  const month = format({ month: 'short', year: 'numeric' })
  const day = format({ day: 'numeric', month: 'short' })
  const clock = format({ hour: '2-digit', minute: '2-digit', second: incrementMs < MINUTE ? '2-digit' : undefined, hourCycle: 'h23' })
  return times.map((time) => {
    if (incrementMs >= 28 * DAY) return month.format(time)
    const text = clock.format(time)
    return incrementMs >= DAY || /^00:00(?::00)?$/.test(text) ? day.format(time) : text
  })
}

/** Marks of a value axis, all with the same decimals. */
export function valueTicks(language: string, values: readonly number[], increment: number): string[] {
  const largest = Math.max(...values.map(Math.abs))
  const decimals = [0, 1, 2, 3, 4, 5].find(places => isWhole(increment * 10 ** places)) ?? MOST_DECIMALS
  const format = largest > LARGEST_WRITTEN_OUT
    ? new Intl.NumberFormat(language, { notation: 'scientific', maximumSignificantDigits: 5 })
    : new Intl.NumberFormat(language, { minimumFractionDigits: decimals, maximumFractionDigits: decimals })
  return values.map(value => format.format(value === 0 ? 0 : value))
}

function isWhole(number: number): boolean {
  return number > 0.5 && Math.abs(number - Math.round(number)) < 1e-6
}
