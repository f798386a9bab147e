import type { DeviceCounters } from '#shared/schemas/counters'

const COUNTED = ['received', 'stored', 'duplicate', 'rejected'] as const
type Countable = typeof COUNTED[number]
const FIRST_ROOM = 1_024

/**
 * What became of the messages of each device since the start; for as many devices as the fleet keeps.
 * @param placeOf The place of a device among all, if it is known.
 */
export function createCounters(placeOf: (deviceId: string) => number | undefined) {
  // By place, the counts of a device side by side: numbers in a row take up less than an object and a place in a map.
  let counts = new Float64Array(FIRST_ROOM * COUNTED.length)
  const sequences = new Map<number, NonNullable<DeviceCounters['sequence']>>()

  function makeRoom(index: number) {
    const larger = new Float64Array(Math.max(index + 1, counts.length * 2))
    larger.set(counts)
    counts = larger
  }

  return {
    count(deviceId: string, what: Countable) {
      const place = placeOf(deviceId)
      if (place === undefined) return
      const index = place * COUNTED.length + COUNTED.indexOf(what)
      if (index >= counts.length) makeRoom(index)
      counts[index] = (counts[index] ?? 0) + 1
    },
    /** Notes a number of the device's own; one that is not higher than the last means that the device started anew. */
    sequence(deviceId: string, seq: number) {
      const place = placeOf(deviceId)
      if (place === undefined) return
      const { last, gaps, missing } = sequences.get(place) ?? { last: seq - 1, gaps: 0, missing: 0 }
      const skipped = Math.max(0, seq - last - 1)
      sequences.set(place, { last: seq, gaps: gaps + (skipped > 0 ? 1 : 0), missing: missing + skipped })
    },
    /** Another device will have this place. */
    clear(place: number) {
      counts.fill(0, place * COUNTED.length, (place + 1) * COUNTED.length)
      sequences.delete(place)
    },
    get(deviceId: string): DeviceCounters | undefined {
      const place = placeOf(deviceId)
      if (place === undefined) return undefined
      const [received = 0, stored = 0, duplicate = 0, rejected = 0] = counts.subarray(place * COUNTED.length, (place + 1) * COUNTED.length)
      return { deviceId, received, stored, duplicate, rejected, sequence: sequences.get(place) ?? null }
    },
  }
}
export type Counters = ReturnType<typeof createCounters>
