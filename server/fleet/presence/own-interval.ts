// The interval that a device is judged by, from what is known of its gaps. Times are milliseconds.

/** Intervals of silence after which a device is silent: below three, so that it is also shown within three. */
export const SILENT_INTERVALS = 2.75
/** An interval is known after so many gaps, when they hardly vary. */
export const STEADY_GAPS = 8
export const VARYING_GAPS = 20
/** Gaps hardly vary: none is longer than so many means. */
const STEADY = 1.1
export const REGULAR = 1.6
/** Gaps after which what was never seen is not expected either; from zero to there patience falls from so many means. */
const YOUNG_GAPS = 250
const YOUNG_INTERVALS = 7
/**
 * Even gaps: their standard deviation in means. So few gaps that a device of ±50 % (0.289) could look like one of ±40 % are taken for
 * even only where nothing is lost: of 20 gaps up to 0.22, of many 0.26, and 0.36 on a site that loses nothing.
 */
const UNEVEN = 0.289
const UNEVEN_CHANCE = 1.1
const EVEN = 0.26
const EVEN_WITHOUT_LOSS = 0.36
/** One gap of so many means is a message that is missing; then more may be. */
const ONE_MISSING = 1.98
/** The mean of so few even gaps is not exact: three intervals are kept with a margin. */
const FEW_GAPS = 64
const FEW_INTERVALS = 2.6
/** The longest gap is raised by a little, and that of few gaps by so much more, divided by their number: it is still growing. */
const VARYING_MARGIN = 1.15
const GROWING_MARGIN = 60
/** Chance alone (a Poisson process) makes the longest of n gaps about ln n means long, hardly ever so many more. */
const BEYOND_CHANCE = 6

/**
 * The own interval, 0 when a device has none (yet): `mean` and `longest` of its gaps, `deviation` their standard deviation in means;
 * `isLossy`: messages of this site get lost on the way. It is silent after {@link SILENT_INTERVALS} of it.
 */
export function ownInterval(gaps: number, mean: number, deviation: number, longest: number, isLossy: boolean): number {
  if (gaps < STEADY_GAPS) return 0
  if (longest <= STEADY * mean) return mean
  if (gaps < VARYING_GAPS) return 0
  if (longest <= ONE_MISSING * mean && isEven(gaps, deviation, isLossy)) {
    return gaps < FEW_GAPS && !isLossy ? mean * FEW_INTERVALS / SILENT_INTERVALS : mean
  }
  if (longest <= REGULAR * mean) {
    const intervals = YOUNG_INTERVALS - (YOUNG_INTERVALS - SILENT_INTERVALS) * gaps / YOUNG_GAPS
    return mean * Math.max(1, intervals / SILENT_INTERVALS)
  }
  if (longest > (Math.log(gaps) + BEYOND_CHANCE) * mean) return 0
  return longest * (VARYING_MARGIN + GROWING_MARGIN / gaps)
}

/** Whether gaps vary so little that three intervals are enough, though few are known. */
function isEven(gaps: number, deviation: number, isLossy: boolean): boolean {
  return deviation <= (isLossy ? Math.min(EVEN, UNEVEN * (1 - UNEVEN_CHANCE / Math.sqrt(gaps))) : EVEN_WITHOUT_LOSS)
}
