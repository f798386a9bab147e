import { setImmediate, setTimeout } from 'node:timers/promises'

/** The time, so that tests can bring their own. */
export interface Clock {
  /** Monotonic, in milliseconds: for pacing. */
  nowMs: () => number
  /** Unix time in milliseconds: what devices write into their messages. */
  wallMs: () => number
  /** Resolves after `ms` (0: after the turn's I/O), or at once when `signal` aborts. */
  sleep: (ms: number, signal: AbortSignal) => Promise<void>
}

export const systemClock: Clock = {
  nowMs: () => performance.now(),
  wallMs: () => Date.now(),
  async sleep(ms, signal) {
    try {
      await (ms > 0 ? setTimeout(ms, undefined, { signal }) : setImmediate(undefined, { signal }))
    }
    catch (error) {
      if (!signal.aborted) throw error
    }
  },
}
