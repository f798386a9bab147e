const FIRST_DELAY_MS = 250
/** A broker that is back must be found within seconds: people are watching. */
const LONGEST_DELAY_MS = 3_000

/** One pending retry at a time, each about twice as far away as the last, with jitter so that a fleet of clients spreads. */
export function createBackoff() {
  let delay = FIRST_DELAY_MS
  let timer: NodeJS.Timeout | undefined
  return {
    schedule(task: () => void) {
      clearTimeout(timer)
      timer = setTimeout(task, delay * (0.5 + Math.random() / 2))
      delay = Math.min(delay * 2, LONGEST_DELAY_MS)
    },
    reset() {
      delay = FIRST_DELAY_MS
    },
    cancel() {
      clearTimeout(timer)
    },
  }
}
