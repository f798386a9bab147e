import { median } from '../../bench/support/figures'

const LOOK_EVERY_MS = 200
const MEGABYTE = 1_000_000
/** Fewer looks say nothing. */
const LEAST_LOOKS = 40
/** The last quarter may have so much more than the second one: garbage that is not collected yet, and a part of it. */
const SPARE_MB = 48
const SPARE_SHARE = 0.15

export interface MemoryVerdict { secondMb: number, lastMb: number, mostMb: number, isFlat: boolean }

/** Judges the resident memory of a server, in bytes: the medians of the second and of the last quarter; the first is warm-up. */
export function judgeMemory(looks: readonly number[]): MemoryVerdict | undefined {
  if (looks.length < LEAST_LOOKS) return undefined
  const quarter = Math.floor(looks.length / 4)
  const secondMb = median(looks.slice(quarter, 2 * quarter)) / MEGABYTE
  const lastMb = median(looks.slice(-quarter)) / MEGABYTE
  const mostMb = secondMb * (1 + SPARE_SHARE) + SPARE_MB
  return { secondMb, lastMb, mostMb, isFlat: lastMb <= mostMb }
}

/** Looks from time to time; `restart` forgets what was seen of a server that is no more. */
export function watchMemory(look: () => number) {
  let looks: number[] = []
  const timer = setInterval(() => {
    try {
      looks.push(look())
    }
    catch {
      // The server is starting anew.
      looks = []
    }
  }, LOOK_EVERY_MS)
  return { stop: () => clearInterval(timer), looks: () => looks }
}
