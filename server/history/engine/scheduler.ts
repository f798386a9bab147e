/** How long one piece of background work may keep the event loop. */
const SLICE_MS = 5

/** True until a slice's time is over. */
export function startSlice(): () => boolean {
  const end = performance.now() + SLICE_MS
  return () => performance.now() < end
}

/** Lets everything else have its turn. */
export function nextTurn(): Promise<void> {
  return new Promise(resolve => setImmediate(resolve))
}

const REST_FACTOR = 3

/** Waits a few times as long as some work took: work that is in no hurry then takes a quarter of the time, however slow the disk. */
export function restAfter(workedMs: number): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, REST_FACTOR * workedMs).unref())
}

/** Whether something is under way, and those who wait for its end. */
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
    /** Resolves as soon as it is open: in the same turn of the event loop, before anybody can close it again. */
    async passed() {
      while (closed) await new Promise<void>((resolve) => { waiting.push(resolve) })
    },
  }
}
