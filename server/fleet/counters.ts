import type { DeviceCounters } from '#shared/schemas/counters'

type Countable = 'received' | 'stored' | 'duplicate' | 'rejected'

/** What became of the messages of each device since the start; for as many devices as the fleet keeps. */
export function createCounters(isKnown: (deviceId: string) => boolean) {
  const counters = new Map<string, DeviceCounters>()

  function of(deviceId: string): DeviceCounters | undefined {
    const held = counters.get(deviceId)
    if (held || !isKnown(deviceId)) return held
    const fresh = { deviceId, received: 0, stored: 0, duplicate: 0, rejected: 0, sequence: null }
    counters.set(deviceId, fresh)
    return fresh
  }

  return {
    count(deviceId: string, what: Countable) {
      const held = of(deviceId)
      if (held) held[what]++
    },
    /** Notes a number of the device's own; one that is not higher than the last means that the device started anew. */
    sequence(deviceId: string, seq: number) {
      const held = of(deviceId)
      if (!held) return
      const { last, gaps, missing } = held.sequence ?? { last: seq - 1, gaps: 0, missing: 0 }
      const skipped = Math.max(0, seq - last - 1)
      held.sequence = { last: seq, gaps: gaps + (skipped > 0 ? 1 : 0), missing: missing + skipped }
    },
    get: (deviceId: string): DeviceCounters | undefined => structuredClone(of(deviceId)),
  }
}
export type Counters = ReturnType<typeof createCounters>
