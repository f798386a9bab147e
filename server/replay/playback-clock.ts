import type { ReplayClock } from '#shared/schemas/events'
import { fromMicroseconds } from '#shared/time/time'
import type { ScannedMessage } from '../history/queries/range-scan'
import type { createMessageCursor } from './message-cursor'

/** Most messages that are delivered at once: more would block the event loop. */
const MESSAGES_PER_TICK = 1_000
/** A replay this close to the present has reached it: what is measured now is not stored yet. */
const PRESENT_US = 2_000_000

/** The clock of one replay, and the messages it passes. Times in microseconds since 1970. */
export function createPlaybackClock(cursor: ReturnType<typeof createMessageCursor>) {
  /** Everything up to here was delivered; while playing the clock has moved on since. */
  let at = 0
  let sinceMs = 0
  let speed = 0
  let state: ReplayClock['state'] = 'paused'

  function set(moment: number) {
    at = moment
    sinceMs = performance.now()
  }

  function present(): number {
    return Date.now() * 1_000 - PRESENT_US
  }

  /** What is missing up to `target` was not read in time: the clock waits for it. */
  function deviceScope(target: number, end: number, delivered: readonly ScannedMessage[]): readonly ScannedMessage[] {
    set(Math.max(at, Math.min(target, cursor.takenTo())))
    // What is read ends right before the end.
    if (at >= end - 1) state = 'ended'
    return delivered
  }

  return {
    at: () => at,
    isPlaying: () => state === 'playing',
    clock: (): ReplayClock => ({ at: fromMicroseconds(Math.round(at)), speed, state }),
    /** Goes to a time, and continues to play from there if it was playing. */
    go(moment: number, devices: ReadonlySet<string> | undefined) {
      cursor.wind(moment, devices)
      set(moment)
      if (state === 'ended') state = 'paused'
    },
    /** Time in which nothing could be delivered does not count. */
    hold: () => set(at),
    play(times: number) {
      set(at)
      speed = times
      state = at >= present() ? 'ended' : 'playing'
    },
    pause() {
      state = state === 'ended' ? 'ended' : 'paused'
    },
    /** The messages that the clock has passed since; if they cannot be read in time it waits. */
    async tick(): Promise<readonly ScannedMessage[]> {
      const end = present()
      const target = Math.round(Math.min(at + (performance.now() - sinceMs) * 1_000 * speed, end))
      if (cursor.takenTo() < target) await cursor.next(end)
      return deviceScope(target, end, cursor.take(target, MESSAGES_PER_TICK))
    },
    /** The next message, and all others of the same microsecond. */
    async step(): Promise<readonly ScannedMessage[]> {
      state = 'paused'
      const next = await cursor.next(present())
      if (next === undefined) {
        state = 'ended'
        return []
      }
      set(next)
      return cursor.take(next, MESSAGES_PER_TICK)
    },
  }
}
