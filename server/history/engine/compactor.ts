import { nextTurn, startSlice } from './scheduler'
import type { DeviceHead } from './head'

export const CHECK_EVERY_MS = 1_000
/** A device with this many messages is packed at once, a quieter one after half an hour: so few that packing one is a short pause. */
const PACK_MESSAGES = 200
const PACK_AFTER_MS = 1_800_000
/** Beyond this many messages of all devices together, whatever waits longest is packed. */
const TAIL_MESSAGES = 300_000

export interface CompactorOptions {
  heads: () => Iterable<DeviceHead>
  size: () => number
  /** Packs some devices in one transaction, stopping when `more` says so; how many were packed. @throws when the store fails. */
  pack: (due: readonly DeviceHead[], more: () => boolean) => number
  /** Resolves while no turn is being stored. */
  idle: () => Promise<void>
  /** Called when nothing is due any more. */
  onIdle: () => void
  now: () => number
}

/** What is to be packed now. */
export function dueHeads(heads: () => Iterable<DeviceHead>, size: number, time: number): DeviceHead[] {
  const ready = [...heads()].filter(({ length, since }) => length >= PACK_MESSAGES || time - since >= PACK_AFTER_MS)
  if (ready.length > 0 || size < TAIL_MESSAGES) return ready
  return [...heads()].sort((a, b) => a.since - b.since)
}

/** Moves messages from the journal into the archive, a few milliseconds at a time. */
export function createCompactor({ heads, size, pack, idle, onIdle, now }: CompactorOptions) {
  // Of one opening of the store: what is due then means nothing to the next.
  let session = { open: false, packing: false }
  let timer: NodeJS.Timeout | undefined

  async function packAll(rest: DeviceHead[], current: typeof session) {
    current.packing = true
    try {
      for (let packed = -1; rest.length > 0 && packed !== 0; rest = rest.slice(packed)) {
        await idle()
        if (!current.open) return
        packed = pack(rest, startSlice())
        await nextTurn()
      }
    }
    catch {
      // The store has failed and says so itself; what is in the journal stays there until it is well again.
      return
    }
    finally {
      current.packing = false
    }
    onIdle()
  }

  return {
    start() {
      const current = session = { open: true, packing: false }
      timer = setInterval(() => {
        if (current.packing) return
        const ready = dueHeads(heads, size(), now())
        if (ready.length > 0) void packAll(ready, current)
      }, CHECK_EVERY_MS)
      timer.unref()
    },
    stop() {
      session.open = false
      clearInterval(timer)
    },
  }
}
