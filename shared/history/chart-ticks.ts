import { beginOfDay, daysBetween, localText, offsetAt, systemZone } from '#shared/time/local-time'

const MINUTE = 60_000
const DAY = 86_400_000
const MONTH = 30 * DAY
const YEAR = 365 * DAY
/** From the Monday before it to the first day of 1970. */
const MONDAY = 3
/** Above this a number is wider than the axis; compact notation would write British millions as metres. */
const LARGEST_WRITTEN_OUT = 999_999
const MOST_DECIMALS = 6

/** Marks closer than this share of their usual distance would overlap. */
const CLOSEST = 0.6
/** A limit that no real chart reaches. */
const MOST_MARKS = 1_000

/**
 * The marks of a time axis, about `incrementMs` apart: at full local times, and at the first instant of each local
 * day.
 */
export function timeMarks(from: number, to: number, incrementMs: number, zone = systemZone()): number[] {
  if (!(incrementMs > 0) || (to - from) / incrementMs > MOST_MARKS) return []
  if (incrementMs >= YEAR) return monthMarks(from, to, Math.round(incrementMs / YEAR) * 12, zone)
  if (incrementMs >= MONTH) return monthMarks(from, to, Math.round(incrementMs / MONTH), zone)
  if (incrementMs >= DAY) return dayMarks(from, to, Math.round(incrementMs / DAY), zone)
  const days = daysBetween(from - incrementMs, to, zone).map(([, begin]) => begin)
  const all = [...new Set([...days, ...clockMarks(from, to, incrementMs, zone)])].sort((a, b) => a - b)
  return thinned(all, new Set(days), incrementMs).filter(time => time >= from && time <= to)
}

/** At full local times, also in an hour that occurs twice; a skipped time has no mark. */
function clockMarks(from: number, to: number, incrementMs: number, zone: string): number[] {
  const marks: number[] = []
  for (let time = from; time <= to;) {
    const offset = offsetAt(time, zone)
    const next = Math.ceil((time + offset) / incrementMs) * incrementMs - offset
    const isSame = offsetAt(next, zone) === offset
    if (isSame && next <= to) marks.push(next)
    // Up to where the clocks change, and on from there.
    time = isSame ? next + 1 : changeBetween(time, next, zone)
  }
  return marks
}

/** The first instant with another offset than that of `before`. */
function changeBetween(before: number, after: number, zone: string): number {
  const offset = offsetAt(before, zone)
  let [low, high] = [before, after]
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2)
    if (offsetAt(middle, zone) === offset) low = middle
    else high = middle
  }
  return high
}

/** Without marks that are too close after another; the beginning of a day stays. */
function thinned(marks: readonly number[], days: ReadonlySet<number>, incrementMs: number): number[] {
  const visible: number[] = []
  for (const mark of marks) {
    const before = visible.at(-1)
    const isClose = before !== undefined && mark - before < incrementMs * CLOSEST
    if (isClose && !days.has(mark)) continue
    if (isClose && before !== undefined && !days.has(before)) visible.pop()
    visible.push(mark)
  }
  return visible
}

/** Every some days, the same ones wherever the axis begins; whole weeks begin on Mondays. */
function dayMarks(from: number, to: number, every: number, zone: string): number[] {
  return daysBetween(from, to, zone)
    .filter(([date]) => (Date.parse(date) / DAY + (every % 7 === 0 ? MONDAY : 0)) % every === 0)
    .map(([, begin]) => begin)
}

function monthMarks(from: number, to: number, every: number, zone: string): number[] {
  const marks: number[] = []
  const [year = 1970, month = 1] = localText(from, zone).split('-').map(Number)
  for (let i = Math.floor((year * 12 + month - 1) / every) * every; ; i += every) {
    const begin = beginOfDay(new Date(Date.UTC(Math.floor(i / 12), i % 12)).toISOString().slice(0, 10), zone)
    if (begin !== undefined && begin > to) return marks
    if (begin !== undefined && begin >= from) marks.push(begin)
  }
}

/** Labels of a time axis with marks `incrementMs` apart, in a language; where a day begins it shows its date. */
export function timeTicks(language: string, times: readonly number[], incrementMs: number, timeZone = systemZone()) {
  const format = (options: Intl.DateTimeFormatOptions) => new Intl.DateTimeFormat(language, { ...options, timeZone })
  const month = format({ month: 'short', year: 'numeric' })
  const day = format({ day: 'numeric', month: 'short' })
  const clock = format({ hour: '2-digit', minute: '2-digit', second: incrementMs < MINUTE ? '2-digit' : undefined, hourCycle: 'h23' })
  return times.map((time) => {
    if (incrementMs >= MONTH) return month.format(time)
    const isBegin = incrementMs >= DAY || beginOfDay(localText(time, timeZone).slice(0, 10), timeZone) === time
    return isBegin ? day.format(time) : clock.format(time)
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
