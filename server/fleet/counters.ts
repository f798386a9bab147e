import { z } from 'zod'
import type { DeviceCounters } from '#shared/schemas/counters'

const COUNTED = ['received', 'stored', 'duplicate', 'rejected'] as const
type Countable = typeof COUNTED[number]
/** Beside the counts of a device: whether some of them have changed since they were stored. */
const WIDTH = COUNTED.length + 1
const CHANGED = COUNTED.length
const FIRST_ROOM = 1_024
/** How many gaps in its numbers a device may have open; the numbers of older gaps count as missing. */
const MAX_OPEN_GAPS = 32
/**
 * A restarted sequence: 0 or 1 well below the last number, or any number far below it. Nearer numbers are late or
 * repeated.
 */
const FRESH = 1
const WELL_BELOW = 8
const FAR_BELOW = 1_000

interface Sequence {
  last: number
  gaps: number
  missing: number
  /** Numbers that may still arrive late, the oldest first. */
  open: { from: number, to: number }[]
  /** The last number before a restart: an apparent restart may be old numbers sent again. */
  before?: number
}

const whole = z.number().int().nonnegative()
const SequenceSchema = z.object({ last: whole, gaps: whole, missing: whole, open: z.array(z.object({ from: whole, to: whole })), before: whole.optional() })
/** Stored with the state of a device, and continued by each message stored after it. */
export const StoredCountersSchema = z.object({ counters: z.object({ stored: whole, sequence: SequenceSchema.optional() }) })
export type StoredCounters = z.infer<typeof StoredCountersSchema>['counters']
/** Counts that include messages that are not stored. */
export type Beside = Record<Exclude<Countable, 'stored'>, number>

/** A late number shrinks its gap, and ends it when nothing is missing any more. */
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
 * The counts of each device's messages, for as many devices as the fleet holds.
 * @param placeOf The place of a device in the fleet, if it has one.
 */
export function createCounters(placeOf: (deviceId: string) => number | undefined) {
  // The counts by place, side by side: numbers in one array take less memory than an object and a map entry per
  // device.
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
    /**
     * Notes a sequence number of the device: the next one, one after a gap, a late or repeated one, or the first of a
     * restarted sequence.
     */
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
    /** What is stored with the state of the device at a place. */
    stored(place: number): StoredCounters {
      const sequence = sequences.get(place)
      return { stored: of(place).stored, ...(sequence && { sequence }) }
    },
    /** A message was not stored after all. */
    takeBack(deviceId: string) {
      const place = placeOf(deviceId)
      if (place !== undefined && of(place).stored > 0) add(place, 'stored', -1)
    },
    /** The counts of stored messages start again. */
    beginRecount() {
      for (let index = COUNTED.indexOf('stored'); index < counts.length; index += WIDTH) counts[index] = 0
    },
    /** Restores what was stored with the state of a device; states of older versions contain none. */
    restore(deviceId: string, state: unknown) {
      const { data } = StoredCountersSchema.safeParse(state)
      const place = placeOf(deviceId)
      if (!data || place === undefined) return
      const { stored, sequence } = data.counters
      add(place, 'stored', stored)
      if (sequence && !sequences.has(place)) sequences.set(place, { last: sequence.last, gaps: sequence.gaps, missing: sequence.missing, open: sequence.open, ...(sequence.before !== undefined && { before: sequence.before }) })
    },
    /** Adds the counts from before the start; `received` is at least the sum of the others. */
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
    /** Notes whether these counts differ from the stored ones. */
    setChanged(place: number, isChanged: boolean) {
      if (place * WIDTH < counts.length) counts[place * WIDTH + CHANGED] = isChanged ? 1 : 0
    },
  }
}
export type Counters = ReturnType<typeof createCounters>
