import type { Telemetry } from '#shared/schemas/telemetry'

const KEPT_PER_DEVICE = 20
/** The queue may hold this many entries that are dropped already, beyond as many as are alive. */
const SPARE_ENTRIES = 1_000

interface Entry { telemetry: Telemetry, bytes: number, dropped: boolean }

/** The last messages of every device within one budget of payload bytes; the oldest of all make room. */
export function createRecentMessages(budgetBytes: number) {
  const byDevice = new Map<string, Entry[]>()
  // All entries by age, from `head` on. Deleting from the front of a Map would cost more the more is deleted.
  let queue: Entry[] = []
  let head = 0
  let alive = 0
  let heldBytes = 0

  function drop(entry: Entry) {
    entry.dropped = true
    alive--
    heldBytes -= entry.bytes
  }

  function dropOldest() {
    const entry = queue[head++]
    if (!entry || entry.dropped) return
    drop(entry)
    const { deviceId } = entry.telemetry
    const entries = byDevice.get(deviceId)
    // Per device, too, the oldest goes first.
    entries?.shift()
    if (entries?.length === 0) byDevice.delete(deviceId)
  }

  return {
    add(telemetry: Telemetry, bytes: number) {
      const entry = { telemetry, bytes, dropped: false }
      const entries = byDevice.get(telemetry.deviceId)
      if (entries) entries.push(entry)
      else byDevice.set(telemetry.deviceId, [entry])
      queue.push(entry)
      alive++
      heldBytes += bytes
      const surplus = entries && entries.length > KEPT_PER_DEVICE ? entries.shift() : undefined
      if (surplus) drop(surplus)
      while (heldBytes > budgetBytes && head < queue.length) dropOldest()
      if (queue.length <= 2 * alive + SPARE_ENTRIES) return
      queue = queue.slice(head).filter(({ dropped }) => !dropped)
      head = 0
    },
    /** Newest first. */
    of: (deviceId: string): Telemetry[] => (byDevice.get(deviceId) ?? []).map(({ telemetry }) => telemetry).reverse(),
  }
}
