import type { Telemetry } from '#shared/schemas/telemetry'

const KEPT_PER_DEVICE = 20

interface Message { telemetry: Telemetry, bytes: number }

/** The last messages of every device within one budget of payload bytes; the oldest of all make room. */
export function createRecentMessages(budgetBytes: number) {
  // Keyed by arrival number, so that a Map's insertion order is the order of age.
  const messages = new Map<number, Message>()
  const byDevice = new Map<string, number[]>()
  let next = 0
  let heldBytes = 0

  function remove(id: number) {
    const message = messages.get(id)
    if (!message) return
    messages.delete(id)
    heldBytes -= message.bytes
    const { deviceId } = message.telemetry
    const ids = byDevice.get(deviceId)
    // Per device, too, the oldest goes first.
    ids?.shift()
    if (ids?.length === 0) byDevice.delete(deviceId)
  }

  return {
    add(telemetry: Telemetry, bytes: number) {
      const id = next++
      const ids = byDevice.get(telemetry.deviceId)
      if (ids) ids.push(id)
      else byDevice.set(telemetry.deviceId, [id])
      messages.set(id, { telemetry, bytes })
      heldBytes += bytes
      if (ids && ids.length > KEPT_PER_DEVICE && ids[0] !== undefined) remove(ids[0])
      for (const oldest of messages.keys()) {
        if (heldBytes <= budgetBytes) break
        remove(oldest)
      }
    },
    /** Newest first. */
    of(deviceId: string): Telemetry[] {
      const ids = byDevice.get(deviceId) ?? []
      return ids.flatMap(id => messages.get(id)?.telemetry ?? []).reverse()
    },
  }
}
