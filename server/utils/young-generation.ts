import { getHeapSpaceStatistics, setFlagsFromString } from 'node:v8'

const LOOK_EVERY_MS = 1_000
const GROWING_LOOK_EVERY_MS = 5
/** At this many messages per second there is so much garbage that frequent collections cost more than they save. */
const BUSY_PER_SECOND = 20_000
/** Two halves of 8 MiB: more does not increase throughput any further. */
const ENOUGH_BYTES = 16 * 1_048_576

/**
 * Keeps V8's young generation as small as the load allows, by a flag that V8 reads before each growth. At rest it has the size the process
 * began with: short collections, and little memory that lies idle. Under many messages a second it grows, but not much beyond 16 MiB, for what
 * survives a collection of more is a pause of ten milliseconds.
 * @param received Messages so far.
 * @returns ends it.
 */
export function fitYoungGeneration(received: () => number): () => void {
  let before = received()
  let growing: NodeJS.Timeout | undefined
  grow(false)

  function endGrowth() {
    clearInterval(growing)
    growing = undefined
    grow(false)
  }

  function look() {
    const now = received()
    const isBusy = now - before >= BUSY_PER_SECOND * LOOK_EVERY_MS / 1_000
    before = now
    if (!isBusy || youngBytes() >= ENOUGH_BYTES) return endGrowth()
    grow(true)
    // It may double several times a second.
    growing ??= setInterval(() => youngBytes() >= ENOUGH_BYTES && endGrowth(), GROWING_LOOK_EVERY_MS).unref()
  }

  const timer = setInterval(look, LOOK_EVERY_MS).unref()
  return () => {
    clearInterval(timer)
    endGrowth()
  }
}

function grow(may: boolean) {
  setFlagsFromString(`--semi-space-growth-factor=${may ? 2 : 1}`)
}

function youngBytes(): number {
  return getHeapSpaceStatistics().find(({ space_name }) => space_name === 'new_space')?.space_size ?? 0
}
