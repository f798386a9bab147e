/** The longest time that one piece of background work may block the event loop. */
const SLICE_MS = 5

/** True until the slice has used up its time. */
export function startSlice(): () => boolean {
  const end = performance.now() + SLICE_MS
  return () => performance.now() < end
}

/** Lets all other work run first. */
export function nextTurn(): Promise<void> {
  return new Promise(resolve => setImmediate(resolve))
}

const REST_FACTOR = 3

/**
 * Waits several times as long as some work took: background work then uses a quarter of the time, however slow the
 * disk is.
 */
export function restAfter(workedMs: number): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, REST_FACTOR * workedMs).unref())
}

/** Whether something is running, and who waits for its end. */
export function createGate() {
  let closed = false
  let waiting: (() => void)[] = []
  return {
    isClosed: () => closed,
    close() {
      closed = true
    },
    open() {
      closed = false
      const released = waiting
      waiting = []
      for (const release of released) release()
    },
    /** Resolves as soon as it is open, in the same turn of the event loop: nothing can close it in between. */
    async passed() {
      while (closed) await new Promise<void>((resolve) => { waiting.push(resolve) })
    },
  }
}
