import type { DeviceCounters } from '#shared/schemas/counters'

const COUNTED = ['received', 'stored', 'duplicate', 'rejected'] as const
type Countable = typeof COUNTED[number]
const FIRST_ROOM = 1_024
/** How many stretches of missing numbers a device may have open; the numbers of older ones stay missing. */
const MAX_OPEN_GAPS = 32
/** A count begun anew: 0 or 1 well below the last, or any number far below it. Nearer ones are late or repeated. */
const FRESH = 1
const WELL_BELOW = 8
const FAR_BELOW = 1_000

interface Sequence {
  last: number
  gaps: number
  missing: number
  /** Numbers that may still come late, the oldest first. */
  open: { from: number, to: number }[]
  /** The last of the count before: what looked like a new start may have been old numbers sent again. */
  before?: number
}

/** A number that comes late takes its gap back, and ends it once nothing of it is missing. */
function takeBack(sequence: Sequence, seq: number): boolean {
  const at = sequence.open.findIndex(({ from, to }) => seq >= from && seq <= to)
  const gap = sequence.open[at]
  if (!gap) return false
  const rest = [{ from: gap.from, to: seq - 1 }, { from: seq + 1, to: gap.to }].filter(({ from, to }) => from <= to)
  sequence.open.splice(at, 1, ...rest)
  if (sequence.open.length > MAX_OPEN_GAPS) sequence.open.shift()
  sequence.missing--
  sequence.gaps += rest.length - 1
  return true
}

function goOn(sequence: Sequence, seq: number) {
  if (seq > sequence.last + 1 && seq - 1 !== sequence.before) {
    sequence.open.push({ from: sequence.last + 1, to: seq - 1 })
    if (sequence.open.length > MAX_OPEN_GAPS) sequence.open.shift()
    sequence.gaps++
    sequence.missing += seq - sequence.last - 1
  }
  sequence.last = seq
}

function numbersOf(sequence: Sequence | undefined): DeviceCounters['sequence'] {
  return sequence ? { last: sequence.last, gaps: sequence.gaps, missing: sequence.missing } : null
}

function isFreshStart({ last }: Sequence, seq: number): boolean {
  return last - seq > (seq <= FRESH ? WELL_BELOW : FAR_BELOW)
}

/**
 * What became of the messages of each device since the start; for as many devices as the fleet keeps.
 * @param placeOf The place of a device among all, if it is known.
 */
export function createCounters(placeOf: (deviceId: string) => number | undefined) {
  // By place, the counts of a device side by side: numbers in a row take up less than an object and a place in a map.
  let counts = new Float64Array(FIRST_ROOM * COUNTED.length)
  const sequences = new Map<number, Sequence>()

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
    /** Notes a number of the device's own: the next, one behind a gap, one that is late or repeated, or a count begun anew. */
    sequence(deviceId: string, seq: number) {
      const place = placeOf(deviceId)
      if (place === undefined) return
      const held = sequences.get(place)
      if (!held) sequences.set(place, { last: seq, gaps: 0, missing: 0, open: [] })
      else if (seq > held.last) goOn(held, seq)
      else if (!takeBack(held, seq) && isFreshStart(held, seq)) {
        held.before = held.last
        held.last = seq
        held.open = []
      }
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
      return { deviceId, received, stored, duplicate, rejected, sequence: numbersOf(sequences.get(place)) }
    },
  }
}
export type Counters = ReturnType<typeof createCounters>
