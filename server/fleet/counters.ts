import { z } from 'zod'
import type { DeviceCounters } from '#shared/schemas/counters'

const COUNTED = ['received', 'stored', 'duplicate', 'rejected'] as const
type Countable = typeof COUNTED[number]
/** Beside the counts of a device stands whether some of them have changed since they were kept. */
const WIDTH = COUNTED.length + 1
const CHANGED = COUNTED.length
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

const whole = z.number().int().nonnegative()
const SequenceSchema = z.object({ last: whole, gaps: whole, missing: whole, open: z.array(z.object({ from: whole, to: whole })), before: whole.optional() })
/** What is kept with the state of a device, and goes on with each message that was stored behind it. */
export const StoredCountersSchema = z.object({ counters: z.object({ stored: whole, sequence: SequenceSchema.optional() }) })
export type StoredCounters = z.infer<typeof StoredCountersSchema>['counters']
/** What is counted of messages that are not stored, too. */
export type Beside = Record<Exclude<Countable, 'stored'>, number>

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
 * What became of the messages of each device; for as many devices as the fleet keeps.
 * @param placeOf The place of a device among all, if it is known.
 */
export function createCounters(placeOf: (deviceId: string) => number | undefined) {
  // By place, the counts of a device side by side: numbers in a row take up less than an object and a place in a map.
  let counts = new Float64Array(FIRST_ROOM * WIDTH)
  const sequences = new Map<number, Sequence>()

  function makeRoom(index: number) {
    const larger = new Float64Array(Math.max(index + 1, counts.length * 2))
    larger.set(counts)
    counts = larger
  }

  function add(place: number, what: Countable, n: number) {
    const begin = place * WIDTH
    if (begin + WIDTH > counts.length) makeRoom(begin + WIDTH)
    const index = begin + COUNTED.indexOf(what)
    counts[index] = (counts[index] ?? 0) + n
    if (what !== 'stored') counts[begin + CHANGED] = 1
  }

  function of(place: number): Record<Countable, number> {
    const [received = 0, stored = 0, duplicate = 0, rejected = 0] = counts.subarray(place * WIDTH, (place + 1) * WIDTH)
    return { received, stored, duplicate, rejected }
  }

  return {
    count(deviceId: string, what: Countable) {
      const place = placeOf(deviceId)
      if (place !== undefined) add(place, what, 1)
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
      counts.fill(0, place * WIDTH, (place + 1) * WIDTH)
      sequences.delete(place)
    },
    get(deviceId: string): DeviceCounters | undefined {
      const place = placeOf(deviceId)
      return place === undefined ? undefined : { deviceId, ...of(place), sequence: numbersOf(sequences.get(place)) }
    },
    /** What is to be kept with the state of the device at a place. */
    kept(place: number): StoredCounters {
      const sequence = sequences.get(place)
      return { stored: of(place).stored, ...(sequence && { sequence }) }
    },
    /** A message is not stored after all. */
    takeBack(deviceId: string) {
      const place = placeOf(deviceId)
      if (place !== undefined && of(place).stored > 0) add(place, 'stored', -1)
    },
    /** What is stored is counted from the beginning. */
    beginRecount() {
      for (let index = COUNTED.indexOf('stored'); index < counts.length; index += WIDTH) counts[index] = 0
    },
    /** Takes what was kept with the state of a device; one that was written before there was any has none. */
    restore(deviceId: string, state: unknown) {
      const { data } = StoredCountersSchema.safeParse(state)
      const place = placeOf(deviceId)
      if (!data || place === undefined) return
      const { stored, sequence } = data.counters
      add(place, 'stored', stored)
      if (sequence && !sequences.has(place)) sequences.set(place, { last: sequence.last, gaps: sequence.gaps, missing: sequence.missing, open: sequence.open, ...(sequence.before !== undefined && { before: sequence.before }) })
    },
    /** Adds what was counted before the start; no fewer were received than what became of them. */
    addBeside(deviceId: string, beside: Beside) {
      const place = placeOf(deviceId)
      if (place === undefined) return
      for (const what of ['received', 'duplicate', 'rejected'] as const) add(place, what, beside[what])
      counts[place * WIDTH + CHANGED] = 0
      const { received, stored, duplicate, rejected } = of(place)
      const missing = stored + duplicate + rejected - received
      if (missing > 0) add(place, 'received', missing)
    },
    beside(place: number): Beside {
      const { received, duplicate, rejected } = of(place)
      return { received, duplicate, rejected }
    },
    isChanged: (place: number) => counts[place * WIDTH + CHANGED] === 1,
    /** Notes whether what is counted beside differs from what is kept. */
    setChanged(place: number, isChanged: boolean) {
      if (place * WIDTH < counts.length) counts[place * WIDTH + CHANGED] = isChanged ? 1 : 0
    },
  }
}
export type Counters = ReturnType<typeof createCounters>
