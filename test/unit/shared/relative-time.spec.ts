import { expect, it } from 'vitest'
import { relativeParts } from '#shared/utils/relative-time'

it.each([
  [0, 0, 'second'], [-999, 0, 'second'], [-59_999, -59, 'second'], [-60_000, -1, 'minute'],
  [-3_599_999, -59, 'minute'], [-7_200_000, -2, 'hour'], [-86_400_000 * 40, -40, 'day'],
] as const)('%i ms is %i %s', (differenceMs, value, unit) => {
  const parts = relativeParts(differenceMs)
  expect(parts.unit).toBe(unit)
  expect(parts.value).toBeCloseTo(value)
})
