import { nextTurn, startSlice } from './scheduler'
import type { DeviceHead } from './head'

export const CHECK_EVERY_MS = 1_000
/**
 * A device with this many messages is packed at once, a quieter one after half an hour. Packing so few is a short
 * pause.
 */
const PACK_MESSAGES = 200
const PACK_AFTER_MS = 1_800_000
/** Beyond this many messages of all devices together, those that wait longest are packed first. */
const HEAD_MESSAGES = 300_000

export interface CompactorOptions {
  heads: () => Iterable<DeviceHead>
  size: () => number
  /**
   * Packs some devices in one transaction, and stops when `more` returns false; returns how many were packed. @throws
   * when the store fails.
   */
  pack: (due: readonly DeviceHead[], more: () => boolean) => number
  /** Resolves while no turn is being stored. */
  idle: () => Promise<void>
  /** Called when nothing is due any more. */
  onIdle: () => void
  now: () => number
}

/** The devices to pack now. */
export function dueHeads(heads: () => Iterable<DeviceHead>, size: number, time: number): DeviceHead[] {
  const ready = [...heads()].filter(({ length, since }) => length >= PACK_MESSAGES || time - since >= PACK_AFTER_MS)
  if (ready.length > 0 || size < HEAD_MESSAGES) return ready
  return [...heads()].sort((a, b) => a.since - b.since)
}

/** Moves messages from the journal into packed segments, a few milliseconds at a time. */
export function createCompactor({ heads, size, pack, idle, onIdle, now }: CompactorOptions) {
  // Belongs to one open store: the next store has its own.
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
      // The store has failed and reports that itself; the journal is unchanged and is packed when the store works
      // again.
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
