import type { ReplayClock } from '#shared/schemas/events'
import { fromMicroseconds } from '#shared/time/time'
import type { ScannedMessage } from '../history/queries/range-scan'
import type { createMessageCursor } from './message-cursor'

/** So many messages are told at once: more would keep the event loop. */
const MESSAGES_PER_TICK = 1_000
/** So close to the present a replay has reached it: what is measured just now is not stored yet. */
const PRESENT_US = 2_000_000

/** The clock of one replay, and which messages its hands pass. Times in microseconds since 1970. */
export function createPlaybackClock(cursor: ReturnType<typeof createMessageCursor>) {
  /** Everything up to here was told; while playing the clock has gone on since. */
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

  /** Whatever is missing of `target` did not come in time: the clock waits for it. */
  function deviceScope(target: number, end: number, told: readonly ScannedMessage[]): readonly ScannedMessage[] {
    set(Math.max(at, Math.min(target, cursor.takenTo())))
    // What is read ends right before the end.
    if (at >= end - 1) state = 'ended'
    return told
  }

  return {
    at: () => at,
    isPlaying: () => state === 'playing',
    clock: (): ReplayClock => ({ at: fromMicroseconds(Math.round(at)), speed, state }),
    /** Goes to a moment, and plays on from there if it played. */
    go(moment: number, devices: ReadonlySet<string> | undefined) {
      cursor.wind(moment, devices)
      set(moment)
      if (state === 'ended') state = 'paused'
    },
    /** Time in which nothing could be told is none that has passed. */
    hold: () => set(at),
    play(times: number) {
      set(at)
      speed = times
      state = at >= present() ? 'ended' : 'playing'
    },
    pause() {
      state = state === 'ended' ? 'ended' : 'paused'
    },
    /** The messages that the clock has passed since; those that it cannot read in time make it wait. */
    async tick(): Promise<readonly ScannedMessage[]> {
      const end = present()
      const target = Math.round(Math.min(at + (performance.now() - sinceMs) * 1_000 * speed, end))
      if (cursor.takenTo() < target) await cursor.next(end)
      return deviceScope(target, end, cursor.take(target, MESSAGES_PER_TICK))
    },
    /** The next message, and whatever was measured in the same microsecond. */
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
