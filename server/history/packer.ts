import { startSlice } from './slices'
import type { DeviceTail } from './tail'

const CHECK_EVERY_MS = 1_000
/** A device with this many messages is packed at once, a quieter one after half an hour. */
const PACK_MESSAGES = 500
const PACK_AFTER_MS = 1_800_000
/** Beyond this many messages of all devices together, whatever waits longest is packed. */
const TAIL_MESSAGES = 300_000

export interface PackerOptions {
  tails: () => Iterable<DeviceTail>
  size: () => number
  /** Packs some devices in one transaction, stopping when `more` says so; how many were packed. @throws when the store fails. */
  pack: (due: readonly DeviceTail[], more: () => boolean) => number
  /** Called when nothing is due any more. */
  onIdle: () => void
  now: () => number
}

/** Moves messages from the journal into the archive, a few milliseconds at a time. */
export function createPacker({ tails, size, pack, onIdle, now }: PackerOptions) {
  let timer: NodeJS.Timeout | undefined
  let immediate: NodeJS.Immediate | undefined

  function due(): DeviceTail[] {
    const time = now()
    const ready = [...tails()].filter(({ length, since }) => length >= PACK_MESSAGES || time - since >= PACK_AFTER_MS)
    if (ready.length > 0 || size() < TAIL_MESSAGES) return ready
    return [...tails()].sort((a, b) => a.since - b.since)
  }

  function slice(rest: DeviceTail[]) {
    immediate = undefined
    let packed: number
    try {
      packed = pack(rest, startSlice())
    }
    catch {
      // The store has failed and says so itself; what is in the journal stays there until it is well again.
      return
    }
    const left = rest.slice(packed)
    if (left.length > 0 && packed > 0) immediate = setImmediate(slice, left)
    else onIdle()
  }

  return {
    start() {
      timer = setInterval(() => {
        if (immediate) return
        const ready = due()
        if (ready.length > 0) slice(ready)
      }, CHECK_EVERY_MS)
      timer.unref()
    },
    stop() {
      clearInterval(timer)
      clearImmediate(immediate)
    },
  }
}
