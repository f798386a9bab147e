/**
 * Time in which messages could be received, in milliseconds: the computer's clock from `startMs` on, without clock
 * changes and without the time in which the process did not run or was not connected. It stops instead of jumping,
 * and never runs backwards. `maxStepMs`: a longer step between two calls means that the process was suspended.
 */
export function createUptimeClock(startMs: number, maxStepMs: number) {
  let time = startMs
  let last = startMs
  let listening = true

  return {
    /** The time when the computer's clock shows `nowMs`. */
    at(nowMs: number): number {
      const step = nowMs - last
      last = nowMs
      if (listening && step > 0) time += step > maxStepMs ? maxStepMs : step
      return time
    },
    /** Starts or stops the clock; returns whether it runs again. */
    listen(isListening: boolean): boolean {
      const again = isListening && !listening
      listening = isListening
      return again
    },
  }
}
