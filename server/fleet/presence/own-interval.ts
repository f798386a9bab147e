// The interval for judging a device, computed from its gaps. Times are milliseconds.

/** Intervals of silence after which a device is silent: below three, so that it is also shown within three. */
export const SILENT_INTERVALS = 2.75
/** An interval is known after this many gaps if they hardly vary. */
export const STEADY_GAPS = 8
export const VARYING_GAPS = 20
/** Gaps hardly vary if none is longer than this many means. */
const STEADY = 1.1
export const REGULAR = 1.6
/**
 * After this many gaps, an unseen longer gap is not expected either; up to there the tolerance falls from this many
 * means.
 */
const YOUNG_GAPS = 250
const YOUNG_INTERVALS = 7
/**
 * Even gaps: the limit of their standard deviation in means. With few gaps, a device of ±50 % (0.289) could look like
 * one of ±40 %, so few gaps count as even only without losses: 0.22 for 20 gaps, 0.26 for many, and 0.36 on a site
 * that loses nothing.
 */
const UNEVEN = 0.289
const UNEVEN_CHANCE = 1.1
const EVEN = 0.26
const EVEN_WITHOUT_LOSS = 0.36
/** A gap of this many means is a missing message; then more may be missing. */
const ONE_MISSING = 1.98
/** The mean of few even gaps is not exact: three intervals get a margin. */
const FEW_GAPS = 64
const FEW_INTERVALS = 2.6
/**
 * The longest gap gets a small margin. With few gaps the margin is larger (divided by their number): the longest gap
 * is still growing.
 */
const VARYING_MARGIN = 1.15
const GROWING_MARGIN = 60
/**
 * By chance alone (a Poisson process), the longest of n gaps is about ln n means long, and hardly ever this many
 * more.
 */
const BEYOND_CHANCE = 6

/**
 * The own interval, 0 when a device has none (yet): `mean` and `longest` of its gaps, `deviation` their standard
 * deviation in means; `isLossy`: messages of this site get lost. A device is silent after {@link SILENT_INTERVALS} of
 * it.
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

/** Whether gaps vary so little that three intervals are enough, though only a few are known. */
function isEven(gaps: number, deviation: number, isLossy: boolean): boolean {
  return deviation <= (isLossy ? Math.min(EVEN, UNEVEN * (1 - UNEVEN_CHANCE / Math.sqrt(gaps))) : EVEN_WITHOUT_LOSS)
}
