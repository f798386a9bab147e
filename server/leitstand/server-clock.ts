// Owns the time of the server. Promises that it never runs backwards because of a small correction, that a large one is taken,
// logged and remembered, and that a jump forward lets nothing be deleted by its age before it has held for an hour.
import type { ClockStep } from '#shared/schemas/health'

const SECOND_MS = 1_000
/** A set-back up to this is bridged: the time stands until the computer's clock has caught up. */
const BRIDGED_MS = 120_000
/** A jump forward beyond this is not trusted before it has held for so long. */
const FORWARD_MS = 86_400_000
const TRUSTED_AFTER_MS = 3_600_000

export interface ServerClockOptions {
  log: { warn: (line: string) => void }
  /** The computer's clock, in milliseconds since 1970. */
  wall?: () => number
  /** Milliseconds that pass, whatever becomes of that clock. */
  monotonic?: () => number
}

export interface ServerClock {
  /** Milliseconds since 1970. */
  now: () => number
  /** The time against which ages are measured before something is deleted; undefined: it is not trusted yet. */
  pruneNow: () => number | undefined
  /** The server was last there at this time: the clock may have been changed since. */
  resume: (lastMs: number) => void
  /** The last time that the clock was set back by more than is bridged. */
  lastStep: () => ClockStep | null
}

export function createServerClock({ log, wall = Date.now, monotonic = () => performance.now() }: ServerClockOptions): ServerClock {
  let last = wall()
  let step: ClockStep | null = null
  /** How far the computer's clock is ahead of the time that passes, where it is trusted. */
  let trusted = last - monotonic()
  /** Since when it is further ahead than that, and by how much. */
  let ahead: { sinceMs: number, offset: number } | undefined

  function setBack(time: number, from: number): number {
    if (from - time <= BRIDGED_MS) return from
    step = { at: new Date(time).toISOString(), setBackSeconds: Math.round((from - time) / SECOND_MS) }
    log.warn(`The clock of this computer was set back by ${step.setBackSeconds} seconds, from ${new Date(from).toISOString()} to ${step.at}. Values are shown in the order in which they come.`)
    return time
  }

  return {
    now() {
      const time = wall()
      return last = time >= last ? time : setBack(time, last)
    },
    pruneNow() {
      const passed = monotonic()
      const offset = wall() - passed
      if (offset - trusted <= FORWARD_MS) {
        trusted = offset
        ahead = undefined
        return wall()
      }
      if (ahead === undefined || Math.abs(offset - ahead.offset) > BRIDGED_MS) {
        if (!ahead) log.warn(`The clock of this computer is ${Math.floor((offset - trusted) / FORWARD_MS)} days ahead of where it was: nothing is deleted by its age for an hour.`)
        ahead = { sinceMs: passed, offset }
      }
      if (passed - ahead.sinceMs < TRUSTED_AFTER_MS) return undefined
      trusted = offset
      ahead = undefined
      return wall()
    },
    resume(lastMs) {
      const time = wall()
      if (lastMs > time) last = setBack(time, lastMs)
      else if (time - lastMs > FORWARD_MS) trusted = Math.min(trusted, lastMs - monotonic())
    },
    lastStep: () => step,
  }
}
