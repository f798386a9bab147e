import { restAfter, startSlice } from '../engine/scheduler'

/** Runs a step in slices until it has nothing left to do or cannot be run. */
export async function repeat(transact: (change: () => void) => Promise<boolean>, step: () => boolean) {
  for (let more = true; more;) {
    const begin = performance.now()
    const ran = await transact(() => {
      const inTime = startSlice()
      while (more && inTime()) more = step()
    })
    if (!ran) return
    // A slice of deletes leaves more to write at its commit than any other: without a rest the disk would set the pace.
    await restAfter(performance.now() - begin)
  }
}
