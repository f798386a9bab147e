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
