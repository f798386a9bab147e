import { restAfter, startSlice } from '../engine/scheduler'

/** Runs a step in slices until nothing is left to do or it cannot run. */
export async function repeat(transact: (change: () => void) => Promise<boolean>, step: () => boolean) {
  for (let more = true; more;) {
    const begin = performance.now()
    const ran = await transact(() => {
      const inTime = startSlice()
      while (more && inTime()) more = step()
    })
    if (!ran) return
    // A slice of deletes writes more at its commit than any other work: without a pause the disk would set the pace of
    // everything.
    await restAfter(performance.now() - begin)
  }
}
