import { describe, expect, it } from 'vitest'
import { timeTicks, valueTicks } from '#shared/utils/chart-ticks'

const at = (text: string) => Date.parse(`2026-11-14T${text}Z`)
const MINUTE = 60_000
const DAY = 86_400_000

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
