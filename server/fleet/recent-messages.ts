import { TelemetrySchema } from '#shared/schemas/telemetry'
import type { Telemetry } from '#shared/schemas/telemetry'

const MESSAGES_PER_DEVICE = 20

export interface RecentMessages {
  /** `body` is the message as JSON text. */
  add: (deviceId: string, body: string) => void
  /** The last messages of a device, newest first. */
  of: (deviceId: string) => Telemetry[]
  forget: (deviceId: string) => void
}

/**
 * The last messages of every device, while the history is off or has failed. One limit of characters for all: when
 * half of it is full, everything older than that half is dropped at once (dropping message by message would cost more
 * than all other work).
 */
export function createRecentMessages(budget: number): RecentMessages {
  let young = new Map<string, string[]>()
  let old = new Map<string, string[]>()
  let held = 0

  return {
    add(deviceId, body) {
      if (body.length > budget / 2) return
      held += body.length
      const bodies = young.get(deviceId)
      if (!bodies) young.set(deviceId, [body])
      else if (bodies.push(body) > MESSAGES_PER_DEVICE) held -= bodies.shift()?.length ?? 0
      if (held <= budget / 2) return
      old = young
      young = new Map()
      held = 0
    },
    forget(deviceId) {
      for (const body of young.get(deviceId) ?? []) held -= body.length
      young.delete(deviceId)
      old.delete(deviceId)
    },
    of(deviceId) {
      const bodies = [...old.get(deviceId) ?? [], ...young.get(deviceId) ?? []]
      return bodies.slice(-MESSAGES_PER_DEVICE).reverse().map(body => TelemetrySchema.parse(JSON.parse(body)))
    },
  }
}
