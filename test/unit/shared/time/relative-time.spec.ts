import { expect, it } from 'vitest'
import { durationParts, relativeParts } from '#shared/time/relative-time'

it.each([
  [0, 0, 'second'], [-999, 0, 'second'], [-59_999, -59, 'second'], [-60_000, -1, 'minute'],
  [-3_599_999, -59, 'minute'], [-7_200_000, -2, 'hour'], [-86_400_000 * 40, -40, 'day'],
] as const)('%i ms is %i %s', (differenceMs, value, unit) => {
  const parts = relativeParts(differenceMs)
  expect(parts.unit).toBe(unit)
  expect(parts.value).toBeCloseTo(value)
})

it.each([
  [0, 0, 'second'], [1_500, 1.5, 'second'], [90_000, 90, 'second'], [12 * 60_000, 12, 'minute'], [5_400_000, 90, 'minute'],
  [25 * 3_600_000, 25, 'hour'], [86_400_000 * 40, 40, 'day'],
] as const)('%i ms take %d %ss', (ms, value, unit) => {
  expect(durationParts(ms)).toEqual({ value, unit })
})
