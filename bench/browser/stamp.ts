import { nowUs } from '../support/stamp.ts'

/** The pages write larger numbers as powers of ten. */
const DIGITS = 12
/** The clock turns over once in 27 hours. */
const TURN_US = 1e11

/** A moment in microseconds of the machine's monotonic clock, as a number of always twelve digits. */
export function shortStamp(us = nowUs()): number {
  return TURN_US + us % TURN_US
}

/** Microseconds from a stamp to a moment of the same clock. */
export function sinceStamp(stamp: number, us: number): number {
  return (shortStamp(us) - stamp + TURN_US) % TURN_US
}

/** The name of the metric that holds it, and what it looks like on a page: `112,345,678,901`. */
export const STAMP_METRIC = 'sentUs'
export const STAMP_ON_PAGE = String.raw`^1\d\d(?:\D?\d{3}){${DIGITS / 3 - 1}}$`
