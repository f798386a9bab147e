/** This many gaps are remembered, the newest with the most weight. */
const GAPS = 4_096
/** If more than one message in this many is missing, two in a row are to be expected. */
const TOLERABLE = 1 / 500

/**
 * The rate of missing messages of devices with even gaps, over all devices of a site: they share the way to the
 * broker.
 */
export function createLossRate() {
  let gaps = 0
  let rate = 0
  return {
    /** A gap between two messages of such a device. */
    note(isMissing: boolean) {
      gaps = Math.min(gaps + 1, GAPS)
      rate += (Number(isMissing) - rate) / gaps
    },
    isLossy: () => rate > TOLERABLE,
  }
}
