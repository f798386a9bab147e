/**
 * Time in which messages could be heard, in milliseconds: the computer's clock from `startMs` on, less what it was set forward or
 * back, less what the process did not run or was cut off. It stands rather than jumps, and never runs backwards.
 * `maxStepMs`: whoever asks more seldom than that was held up.
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
    /** From now on time passes, or stands; whether it passes again. */
    listen(isListening: boolean): boolean {
      const again = isListening && !listening
      listening = isListening
      return again
    },
  }
}
