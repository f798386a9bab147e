/** So many gaps are remembered, the newest most. */
const GAPS = 4_096
/** Above one missing message in so many, two in a row are to be expected. */
const TOLERABLE = 1 / 500

/** How often messages of devices with even gaps are missing, all devices of a site together: they share the way to the broker. */
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
