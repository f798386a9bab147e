// Local times in any zone. `Intl` knows every zone and every change of its clocks, but not the conversion back, which
// is here: an hour may occur twice, or not at all, and a day may begin at 01:00. All times are milliseconds since
// 1970.
const MINUTE = 60_000
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR
/**
 * Beyond this distance from a clock change its offset is in force: no zone is further than 14 hours from UTC, none
 * jumps by more than a day.
 */
const BESIDE = [-26 * HOUR, -3 * HOUR, 0, 3 * HOUR, 26 * HOUR]
const MOST_DAYS_KNOWN = 1_000

interface Zone {
  readonly format: Intl.DateTimeFormat
  /** Clocks change at whole minutes: within one the offset is the same. */
  minute: number
  offset: number
  readonly changes: Map<number, boolean>
}
const zones = new Map<string, Zone>()

/** The zone of this computer. */
export function systemZone(): string {
  return new Intl.DateTimeFormat().resolvedOptions().timeZone
}

/** Whether `Intl` knows a zone of this name. */
export function isZone(name: string): boolean {
  try {
    return new Intl.DateTimeFormat('en-US', { timeZone: name }).resolvedOptions().timeZone !== ''
  }
  catch {
    return false
  }
}

function zoneOf(name: string): Zone {
  const known = zones.get(name)
  if (known) return known
  const two = '2-digit'
  const date = { year: 'numeric', month: two, day: two } as const
  const clock = { hourCycle: 'h23', hour: two, minute: two, second: two } as const
  const format = new Intl.DateTimeFormat('en-US', { timeZone: name, ...date, ...clock })
  const zone = { format, minute: Number.NaN, offset: 0, changes: new Map<number, boolean>() }
  zones.set(name, zone)
  return zone
}

/** How far local time is ahead of UTC at a time. */
export function offsetAt(time: number, zoneName: string): number {
  const zone = zoneOf(zoneName)
  const minute = Math.floor(time / MINUTE)
  if (zone.minute === minute) return zone.offset
  const parts = zone.format.format(minute * MINUTE).match(/\d+/g)?.map(Number) ?? []
  const [month = 1, day = 1, year = 1970, hour = 0, min = 0, second = 0] = parts
  zone.minute = minute
  return zone.offset = Date.UTC(year, month - 1, day, hour, min, second) - minute * MINUTE
}

/** `2026-10-25T02:30:00`: the local time, to the second. */
export function localText(time: number, zone: string): string {
  return new Date(time + offsetAt(time, zone)).toISOString().slice(0, 19)
}

/**
 * The instants of a local time, the first one first: two in an hour that occurs twice, none in one that is skipped.
 */
export function momentsOf(local: string, zone: string): number[] {
  const wall = Date.parse(`${local}Z`)
  if (Number.isNaN(wall)) return []
  const offsets = new Set(BESIDE.map(by => offsetAt(wall + by, zone)))
  return [...offsets].map(offset => wall - offset)
    .filter(time => time + offsetAt(time, zone) === wall)
    .sort((a, b) => a - b)
}

/** The instant that a skipped local time means: as if the clocks had not been set forward, so that 02:30 is 03:30. */
export function momentAfterGap(local: string, zone: string): number {
  const wall = Date.parse(`${local}Z`)
  return wall - offsetAt(wall - offsetAt(wall, zone) - 3 * HOUR, zone)
}

/**
 * The instant that a user means by a local time: in an hour that occurs twice the one that is `shown`, else the
 * first; undefined when it is no time.
 */
export function momentMeant(local: string, shown: number, zone: string) {
  if (Number.isNaN(Date.parse(`${local}Z`))) return undefined
  const moments = momentsOf(local, zone)
  const [first = momentAfterGap(local, zone)] = moments
  const offset = isRepeated(shown, zone) ? offsetAt(shown, zone) : undefined
  const same = moments.find(time => offsetAt(time, zone) === offset)
  return { time: same ?? first, isLeftOut: moments.length === 0 }
}

/** Whether another instant has the same local time. */
export function isRepeated(time: number, zoneName: string): boolean {
  const { changes } = zoneOf(zoneName)
  const day = Math.floor(time / DAY)
  const known = changes.get(day)
  const isNear = known ?? new Set(BESIDE.map(by => offsetAt((day + 0.5) * DAY + by * 1.5, zoneName))).size > 1
  if (known === undefined) {
    if (changes.size >= MOST_DAYS_KNOWN) changes.clear()
    changes.set(day, isNear)
  }
  return isNear && momentsOf(localText(time, zoneName), zoneName).length > 1
}

/**
 * What distinguishes two instants with the same local time: `CEST (GMT+2)`, or only `GMT-4` if the zone has no short
 * name.
 */
export function offsetName(time: number, zone: string, language: string): string {
  function say(timeZoneName: 'short' | 'shortOffset') {
    const parts = new Intl.DateTimeFormat(language, { timeZone: zone, timeZoneName }).formatToParts(time)
    return parts.find(({ type }) => type === 'timeZoneName')?.value ?? ''
  }
  const [name, offset] = [say('short'), say('shortOffset')]
  return name === offset || /\d/.test(name) ? offset : `${name} (${offset})`
}

/** The first instant of a local day, `2026-10-25`; undefined when that day was skipped. */
export function beginOfDay(date: string, zone: string): number | undefined {
  const midnight = `${date}T00:00:00`
  const [first] = momentsOf(midnight, zone)
  if (first !== undefined) return first
  // The clocks were set forward over midnight: the day begins at that instant.
  let [before, after] = [momentAfterGap(midnight, zone) - DAY, momentAfterGap(midnight, zone)]
  const offset = offsetAt(after, zone)
  while (after - before > 1) {
    const middle = Math.floor((before + after) / 2)
    if (offsetAt(middle, zone) === offset) after = middle
    else before = middle
  }
  return localText(after, zone).startsWith(date) ? after : undefined
}

/** The local days that have begun or begin between two instants: `[2026-10-25, its first instant]`. */
export function daysBetween(from: number, to: number, zone: string): [date: string, begin: number][] {
  const days: [string, number][] = []
  const last = to + offsetAt(to, zone) + DAY
  for (let wall = from + offsetAt(from, zone) - DAY; wall <= last; wall += DAY) {
    const date = new Date(wall).toISOString().slice(0, 10)
    const begin = beginOfDay(date, zone)
    if (begin !== undefined && begin >= from && begin <= to) days.push([date, begin])
  }
  return days
}
