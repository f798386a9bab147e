const FIRST_DELAY_MS = 250
/** A broker that is back must be found within seconds: people are watching. */
const LONGEST_DELAY_MS = 3_000
/**
 * A client that is disconnected again and again must not displace another one: its delay grows faster, up to minutes.
 */
const LONGEST_AWAY_MS = 120_000

/** One pending retry at a time, each about twice as far away as the last, with jitter so that a fleet of clients spreads. */
export function createBackoff() {
  let delay = FIRST_DELAY_MS
  let timer: NodeJS.Timeout | undefined
  return {
    /** @param wasDisconnected The connection was made, and closed soon after. */
    schedule(task: () => void, wasDisconnected = false) {
      clearTimeout(timer)
      const current = wasDisconnected ? delay : Math.min(delay, LONGEST_DELAY_MS)
      timer = setTimeout(task, current * (0.5 + Math.random() / 2))
      delay = wasDisconnected ? Math.min(delay * 3, LONGEST_AWAY_MS) : Math.min(current * 2, LONGEST_DELAY_MS)
    },
    reset() {
      delay = FIRST_DELAY_MS
    },
    cancel() {
      clearTimeout(timer)
    },
  }
}
