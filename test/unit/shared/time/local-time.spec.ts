import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { beginOfDay, daysBetween, isRepeated, isZone, localText, momentAfterGap, momentMeant, momentsOf, offsetAt, offsetName } from '#shared/time/local-time'

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

/**
 * Among them zones whose clocks change at midnight, by half an hour, by two hours, or that have left out a whole day.
 */
export const ZONES = [
  'UTC', 'Europe/Berlin', 'Europe/London', 'Asia/Beirut', 'America/Santiago', 'Africa/Cairo', 'America/Asuncion', 'America/Havana', 'America/Sao_Paulo', 'Asia/Amman', 'Asia/Gaza',
  'Asia/Tehran', 'Asia/Kathmandu', 'America/St_Johns', 'Australia/Lord_Howe', 'Pacific/Apia', 'Pacific/Chatham', 'Atlantic/Azores', 'Africa/Casablanca', 'Antarctica/Troll', 'America/New_York',
]
const formats = new Map(ZONES.map(zone => [zone, new Intl.DateTimeFormat('sv-SE', { timeZone: zone, dateStyle: 'short', timeStyle: 'medium' })]))
/** What `Intl` itself says: `2026-10-25T02:30:00`. */
const shown = (time: number, zone: string) => formats.get(zone)?.format(time).replace(' ', 'T') ?? ''

/** The days of a year at which a zone changes its clocks, or any other ones. */
const zone = fc.constantFrom(...ZONES)
const day = fc.integer({ min: Math.floor(Date.UTC(1990, 0) / DAY), max: Math.floor(Date.UTC(2037, 11) / DAY) })
const zoneAndDay = fc.tuple(zone, day, fc.boolean()).map(([name, start, isChange]) => {
  for (let i = 0; isChange && i < 400; i++) {
    if (offsetAt((start + i) * DAY, name) !== offsetAt((start + i + 1) * DAY, name)) return { zone: name, day: start + i }
  }
  return { zone: name, day: start }
})

describe('local times', () => {
  it('are those of Intl, and lead back to just the moments that have them', () => {
    fc.assert(fc.property(zoneAndDay, fc.integer({ min: 0, max: DAY - 1 }), ({ zone, day }, within) => {
      const time = Math.floor((day * DAY + within) / 1_000) * 1_000
      const local = localText(time, zone)
      expect(local).toBe(shown(time, zone))
      const same: number[] = []
      for (let other = time - 26 * HOUR; other <= time + 26 * HOUR; other += MINUTE) if (shown(other, zone) === local) same.push(other)
      expect(momentsOf(local, zone)).toEqual(same)
      expect(isRepeated(time, zone)).toBe(same.length > 1)
    }), { numRuns: 300 })
  })

  it('that no clock shows are none, and mean what they would be without the change', () => {
    expect(momentsOf('2026-03-29T02:30:00', 'Europe/Berlin')).toEqual([])
    expect(new Date(momentAfterGap('2026-03-29T02:30:00', 'Europe/Berlin')).toISOString()).toBe('2026-03-29T01:30:00.000Z')
    expect(localText(momentAfterGap('2026-03-29T02:30:00', 'Europe/Berlin'), 'Europe/Berlin')).toBe('2026-03-29T03:30:00')
    expect(momentsOf('2026-03-29T00:30:00', 'Asia/Beirut')).toEqual([])
    expect(localText(momentAfterGap('2026-03-29T00:30:00', 'Asia/Beirut'), 'Asia/Beirut')).toBe('2026-03-29T01:30:00')
    expect(localText(momentAfterGap('2026-10-04T02:10:00', 'Australia/Lord_Howe'), 'Australia/Lord_Howe')).toBe('2026-10-04T02:40:00')
    expect(momentsOf('no time', 'UTC')).toEqual([])
  })

  it('that come twice are told apart', () => {
    const moments = momentsOf('2026-10-25T02:30:00', 'Europe/Berlin')
    expect(moments.map(time => new Date(time).toISOString())).toEqual(['2026-10-25T00:30:00.000Z', '2026-10-25T01:30:00.000Z'])
    expect(moments.map(time => offsetName(time, 'Europe/Berlin', 'de-DE'))).toEqual(['MESZ (GMT+2)', 'MEZ (GMT+1)'])
    expect(moments.map(time => offsetName(time, 'Europe/Berlin', 'en-GB'))).toEqual(['CEST (GMT+2)', 'CET (GMT+1)'])
    expect(momentsOf('2026-11-01T01:30:00', 'America/New_York').map(time => offsetName(time, 'America/New_York', 'de-DE'))).toEqual(['GMT-4', 'GMT-5'])
    for (const zone of ZONES) {
      fc.assert(fc.property(day, (day) => {
        const moments = momentsOf(localText(day * DAY, zone), zone)
        expect(new Set(moments.map(time => offsetName(time, zone, 'de-DE'))).size).toBe(moments.length)
      }), { numRuns: 20 })
    }
  })
})

describe('a local time that somebody writes', () => {
  const berlin = 'Europe/Berlin'
  const meant = (local: string, shown = '2026-07-01T00:00:00Z', zone = berlin) => {
    const found = momentMeant(local, Date.parse(shown), zone)
    return found && `${new Date(found.time).toISOString()}${found.isLeftOut ? ' left out' : ''}`
  }

  it('means the first of two moments, unless the other of such an hour is shown', () => {
    expect(meant('2026-10-25T02:30')).toBe('2026-10-25T00:30:00.000Z')
    expect(meant('2026-10-25T02:30:00', '2026-12-01T00:00:00Z')).toBe('2026-10-25T00:30:00.000Z')
    expect(meant('2026-10-25T02:45:00', '2026-10-25T01:30:00Z')).toBe('2026-10-25T01:45:00.000Z')
    expect(meant('2026-10-25T02:45:00', '2026-10-25T00:30:00Z')).toBe('2026-10-25T00:45:00.000Z')
  })

  it('means a later one where the clocks leave it out', () => {
    expect(meant('2026-03-29T02:30')).toBe('2026-03-29T01:30:00.000Z left out')
    expect(meant('2026-03-29T00:00', undefined, 'Asia/Beirut')).toBe('2026-03-28T22:00:00.000Z left out')
    expect(meant('')).toBeUndefined()
  })

  it('that is shown leads back to just the same moment', () => {
    fc.assert(fc.property(zoneAndDay, fc.integer({ min: 0, max: DAY - 1 }), ({ zone, day }, within) => {
      const time = Math.floor((day * DAY + within) / 1_000) * 1_000
      expect(momentMeant(localText(time, zone), time, zone)).toEqual({ time, isLeftOut: false })
    }))
  })
})

describe('local days', () => {
  it('begin at the first moment of their date: none twice, none missing', () => {
    fc.assert(fc.property(zoneAndDay, ({ zone, day }) => {
      const [from, to] = [(day - 1) * DAY, (day + 2) * DAY]
      const begins = new Map<string, number>([[shown(from - MINUTE, zone).slice(0, 10), NaN]])
      for (let time = from; time <= to; time += MINUTE) {
        const date = shown(time, zone).slice(0, 10)
        if (!begins.has(date)) begins.set(date, time)
      }
      expect(daysBetween(from, to, zone)).toEqual([...begins].slice(1))
    }), { numRuns: 200 })
  })

  it('have 23 or 25 hours, or 23 and a half, when the clocks change', () => {
    const hours = (date: string, next: string, zone: string) => ((beginOfDay(next, zone) ?? NaN) - (beginOfDay(date, zone) ?? NaN)) / HOUR
    expect(hours('2026-03-29', '2026-03-30', 'Europe/Berlin')).toBe(23)
    expect(hours('2026-10-25', '2026-10-26', 'Europe/Berlin')).toBe(25)
    expect(hours('2026-10-25', '2026-10-26', 'UTC')).toBe(24)
    expect(hours('2026-10-04', '2026-10-05', 'Australia/Lord_Howe')).toBe(23.5)
    expect(hours('2026-03-29', '2026-03-30', 'Asia/Beirut')).toBe(23)
    expect(hours('2026-10-24', '2026-10-25', 'Asia/Beirut')).toBe(25)
  })

  it('begin at 01:00 where midnight is left out, and are none when the whole day is', () => {
    expect(localText(beginOfDay('2026-03-29', 'Asia/Beirut') ?? 0, 'Asia/Beirut')).toBe('2026-03-29T01:00:00')
    expect(localText(beginOfDay('2026-09-06', 'America/Santiago') ?? 0, 'America/Santiago')).toBe('2026-09-06T01:00:00')
    expect(localText(beginOfDay('2026-04-24', 'Africa/Cairo') ?? 0, 'Africa/Cairo')).toBe('2026-04-24T01:00:00')
    expect(localText(beginOfDay('2023-10-01', 'America/Asuncion') ?? 0, 'America/Asuncion')).toBe('2023-10-01T01:00:00')
    expect(beginOfDay('2011-12-30', 'Pacific/Apia')).toBeUndefined()
  })
})

it('a zone is one that Intl knows', () => {
  expect(['Europe/Berlin', 'utc', 'Asia/Kolkata'].map(isZone)).toEqual([true, true, true])
  expect(['', 'Europe/Nowhere', '=1+2', 'Europe/Berlin\r\n'].map(isZone)).toEqual([false, false, false, false])
})
