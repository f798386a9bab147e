import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { timeMarks, timeTicks, valueTicks } from '#shared/history/chart-ticks'
import { daysBetween, localText } from '#shared/time/local-time'

const at = (text: string) => Date.parse(`2026-11-14T${text}Z`)
const MINUTE = 60_000
const HOUR = 60 * MINUTE
const DAY = 86_400_000
const ZONES = ['UTC', 'Europe/Berlin', 'Asia/Beirut', 'America/Santiago', 'Africa/Cairo', 'America/Asuncion', 'America/Havana', 'Australia/Lord_Howe', 'Asia/Kathmandu', 'America/St_Johns', 'Pacific/Apia']

/** The local times at which marks stand, and what is written there. */
function axis(from: string, to: string, incrementMs: number, zone: string) {
  const times = timeMarks(Date.parse(from), Date.parse(to), incrementMs, zone)
  const words = timeTicks('en-GB', times, incrementMs, zone)
  return times.map((time, i) => `${localText(time, zone).slice(5, 16)} ${words[i]}`)
}

describe('timeMarks', () => {
  it('stand at full local times, and at the first moment of each day', () => {
    expect(axis('2026-11-13T20:10:00Z', '2026-11-14T06:00:00Z', 3 * HOUR, 'Europe/Berlin')).toEqual(['11-14T00:00 14 Nov', '11-14T03:00 03:00', '11-14T06:00 06:00'])
    expect(axis('2026-11-13T20:10:00Z', '2026-11-13T21:00:00Z', 30 * MINUTE, 'Asia/Kathmandu')).toEqual(['11-14T02:00 02:00', '11-14T02:30 02:30'])
    expect(axis('2026-11-13T20:10:02Z', '2026-11-13T20:10:14Z', 5_000, 'UTC')).toEqual(['11-13T20:10 20:10:05', '11-13T20:10 20:10:10'])
  })

  it('stand in both of the hours that have the same name, and in none that is left out', () => {
    expect(axis('2026-10-24T22:00:00Z', '2026-10-25T03:00:00Z', HOUR, 'Europe/Berlin'))
      .toEqual(['10-25T00:00 25 Oct', '10-25T01:00 01:00', '10-25T02:00 02:00', '10-25T02:00 02:00', '10-25T03:00 03:00', '10-25T04:00 04:00'])
    expect(axis('2026-03-28T23:00:00Z', '2026-03-29T03:00:00Z', HOUR, 'Europe/Berlin'))
      .toEqual(['03-29T00:00 29 Mar', '03-29T01:00 01:00', '03-29T03:00 03:00', '03-29T04:00 04:00', '03-29T05:00 05:00'])
  })

  it('show the date at 01:00 where midnight is left out, and once where it comes twice', () => {
    expect(axis('2026-03-28T18:00:00Z', '2026-03-29T06:00:00Z', 3 * HOUR, 'Asia/Beirut'))
      .toEqual(['03-28T21:00 21:00', '03-29T01:00 29 Mar', '03-29T03:00 03:00', '03-29T06:00 06:00', '03-29T09:00 09:00'])
    expect(axis('2026-10-31T23:00:00Z', '2026-11-01T07:00:00Z', HOUR, 'America/Havana').slice(4, 8))
      .toEqual(['10-31T23:00 23:00', '11-01T00:00 1 Nov', '11-01T00:00 00:00', '11-01T01:00 01:00'])
  })

  it('stand at every day, or at the same ones of many wherever the axis begins, at months and at years', () => {
    expect(axis('2026-10-23T12:00:00Z', '2026-10-27T12:00:00Z', DAY, 'Europe/Berlin')).toEqual(['10-24T00:00 24 Oct', '10-25T00:00 25 Oct', '10-26T00:00 26 Oct', '10-27T00:00 27 Oct'])
    const weeks = axis('2026-10-10T12:00:00Z', '2026-11-05T12:00:00Z', 7 * DAY, 'Europe/Berlin')
    expect(weeks).toEqual(['10-12T00:00 12 Oct', '10-19T00:00 19 Oct', '10-26T00:00 26 Oct', '11-02T00:00 2 Nov'])
    expect(axis('2026-10-14T12:00:00Z', '2026-11-05T12:00:00Z', 7 * DAY, 'Europe/Berlin')).toEqual(weeks.slice(1))
    expect(axis('2026-08-14T12:00:00Z', '2027-01-05T12:00:00Z', 60 * DAY, 'Europe/Berlin')).toEqual(['09-01T00:00 Sept 2026', '11-01T00:00 Nov 2026', '01-01T00:00 Jan 2027'])
    expect(axis('2020-08-14T12:00:00Z', '2032-01-05T12:00:00Z', 5 * 365 * DAY, 'Europe/Berlin')).toEqual(['01-01T00:00 Jan 2025', '01-01T00:00 Jan 2030'])
  })

  it('are in order, far enough from each other, and there for each day, in every zone', () => {
    const start = fc.integer({ min: Date.UTC(2000, 0), max: Date.UTC(2036, 0) })
    fc.assert(fc.property(fc.constantFrom(...ZONES), start, fc.constantFrom(0.25, 0.5, 1, 2, 3, 4, 6, 8, 12, 24), (zone, from, hours) => {
      const to = from + hours * HOUR * 10
      const times = timeMarks(from, to, hours * HOUR, zone)
      for (const [i, time] of times.entries()) {
        expect(time >= from && time <= to).toBe(true)
        if (i > 0) expect(time - (times[i - 1] ?? 0)).toBeGreaterThanOrEqual(hours * HOUR * 0.6)
      }
      expect(times).toEqual(expect.arrayContaining(daysBetween(from, to, zone).map(([, begin]) => begin)))
      expect(times.length).toBeGreaterThanOrEqual(8)
    }), { numRuns: 500 })
  })
})

describe('timeTicks', () => {
  it('writes seconds, minutes, days or months, as far apart as the marks are', () => {
    expect(timeTicks('en-GB', [at('03:00:05')], 5_000, 'UTC')).toEqual(['03:00:05'])
    expect(timeTicks('en-GB', [at('03:30:00')], 30 * MINUTE, 'UTC')).toEqual(['03:30'])
    expect(timeTicks('en-GB', [at('00:00:00')], DAY, 'UTC')).toEqual(['14 Nov'])
    expect(timeTicks('en-GB', [at('00:00:00')], 31 * DAY, 'UTC')).toEqual(['Nov 2026'])
  })

  it('shows the date at midnight of the reader’s own zone', () => {
    expect(timeTicks('de-DE', [at('20:00:00'), at('23:00:00')], 180 * MINUTE, 'Europe/Berlin')).toEqual(['21:00', '15. Nov.'])
  })
})

describe('valueTicks', () => {
  it('writes all marks with the decimals that tell them apart', () => {
    expect(valueTicks('de-DE', [3.5, 3.55, 3.6], 0.05)).toEqual(['3,50', '3,55', '3,60'])
    expect(valueTicks('en-GB', [0, 500, 1_000], 500)).toEqual(['0', '500', '1,000'])
    expect(valueTicks('en-GB', [10, 12.5, 15], 2.5)).toEqual(['10.0', '12.5', '15.0'])
    expect(valueTicks('en-GB', [0.00025], 0.00025)).toEqual(['0.00025'])
    expect(valueTicks('en-GB', [-0], 1)).toEqual(['0'])
  })

  it('shortens what is wider than the axis', () => {
    expect(valueTicks('en-GB', [0, 2_000_000], 2_000_000)).toEqual(['0E0', '2E6'])
    expect(valueTicks('en-GB', [2e20], 1e20)).toEqual(['2E20'])
  })
})
