import { fromDeltas, pack, toDeltas, unpack } from './columns'
import { fromColumn, toColumn } from './values'
import type { StoredValue, ValueColumn } from './values'

/** One telemetry message as it is stored. Times in microseconds since 1970. */
export interface StoredMessage {
  time: number
  received: number
  metrics: Record<string, StoredValue>
  claimedTs?: string
}

/** One value of one metric; `time` in microseconds since 1970. */
export interface Sample { time: number, value: StoredValue }

/** In place of a shift: this sample is stored already. */
const REPEATED = -1

/**
 * A run of messages of one device, by column: `t` times as deltas, `r` how long after it each was received, `m` per metric
 * which messages carry it (`i`, all when absent), the values, and the exceptions of {@link place} as `[position, shift]`.
 */
export interface Segment {
  t: number[]
  r: number[]
  m: Record<string, ValueColumn & { i?: number[], s?: [number, number][] }>
  c?: Record<string, string>
}

/**
 * Places new samples beside existing ones. A sample equal to the one right before it at the same time is a repetition
 * (`REPEATED`). Every other sample goes to the next free microsecond. Adds what it places to `taken`; returns a shift
 * per sample.
 */
function place(samples: readonly Sample[], taken: Map<number, StoredValue>): number[] {
  // Where the run of each time last ended: thousands of samples with one time are not searched again for each.
  const ends = new Map<number, number>()
  return samples.map(({ time, value }) => {
    if (!taken.has(time)) {
      taken.set(time, value)
      return 0
    }
    let end = ends.get(time) ?? time
    while (taken.has(end + 1)) end++
    const repeated = taken.get(end) === value
    if (!repeated) taken.set(++end, value)
    ends.set(time, end)
    return repeated ? REPEATED : end - time
  })
}

/** Samples of one metric in messages, beside the samples that exist already; in order of time. */
export function placedSamples(messages: readonly StoredMessage[], metric: string, existing: readonly Sample[]): Sample[] {
  return placeAll(messages, metric, existing).placed
}

function placeAll(messages: readonly StoredMessage[], metric: string, existing: readonly Sample[]) {
  const carried = samplesIn(messages, metric)
  // The usual case, in which no times can collide.
  if (existing.length === 0 && isIncreasing(carried)) return { carried, shifts: [], placed: carried }
  const shifts = place(carried, new Map(existing.map(({ time, value }) => [time, value])))
  const placed = carried
    .flatMap((sample, i) => shifts[i] === REPEATED ? [] : { ...sample, time: sample.time + (shifts[i] ?? 0) })
    .sort((a, b) => a.time - b.time)
  return { carried, shifts, placed }
}

function isIncreasing(samples: readonly Sample[]): boolean {
  return samples.every(({ time }, i) => i === 0 || time > (samples[i - 1]?.time ?? time))
}

function samplesIn(messages: readonly StoredMessage[], metric: string): Sample[] {
  const samples: Sample[] = []
  for (const { time, metrics } of messages) {
    const value = Object.hasOwn(metrics, metric) ? metrics[metric] : undefined
    if (value !== undefined) samples.push({ time, value })
  }
  return samples
}

export interface BuiltSegment {
  data: Buffer
  first: number
  last: number
  /** New samples per metric, repeated ones left out, in order of time. */
  samples: Map<string, Sample[]>
}

/**
 * Packs messages (at least one, in order of time) beside the existing samples of the device; undefined: all of those
 * are older.
 */
export function buildSegment(messages: readonly StoredMessage[], existing?: (metric: string) => readonly Sample[]): BuiltSegment {
  const names = new Set<string>()
  for (const { metrics } of messages) {
    for (const name in metrics) names.add(name)
  }
  const columns: Segment['m'] = {}
  const samples = new Map<string, Sample[]>()
  let last = messages.at(-1)?.time ?? 0
  for (const name of names) {
    const { carried, shifts, placed } = placeAll(messages, name, existing?.(name) ?? [])
    samples.set(name, placed)
    last = Math.max(last, placed.at(-1)?.time ?? 0)
    const exceptions = shifts.flatMap((shift, i): [number, number][] => shift === 0 ? [] : [[i, shift]])
    columns[name] = {
      ...(carried.length < messages.length && { i: toDeltas(messages.flatMap(({ metrics }, i) => Object.hasOwn(metrics, name) ? i : [])) }),
      ...toColumn(carried.map(({ value }) => value)),
      ...(exceptions.length > 0 && { s: exceptions }),
    }
  }
  const claims = messages.flatMap(({ claimedTs }, i) => claimedTs === undefined ? [] : [[i, claimedTs] as const])
  const segment: Segment = {
    t: toDeltas(messages.map(({ time }) => time)),
    r: messages.map(({ time, received }) => received - time),
    m: columns,
    ...(claims.length > 0 && { c: Object.fromEntries(claims) }),
  }
  return { data: pack(segment), first: messages[0]?.time ?? 0, last, samples }
}

/** The samples of one metric in a packed segment, in the order they were stored. */
export function readSamples(data: Uint8Array, metric: string): Sample[] {
  return samplesOf(readSegment(data), metric)
}

/** The samples of one metric in a segment, in the order they were stored. */
export function samplesOf({ t, m }: Segment, metric: string): Sample[] {
  const column = Object.hasOwn(m, metric) ? m[metric] : undefined
  if (!column) return []
  const times = fromDeltas(t)
  const carriers = column.i && fromDeltas(column.i)
  const shifts = new Map(column.s)
  return fromColumn(column).flatMap((value, i) => {
    const shift = shifts.get(i) ?? 0
    return shift === REPEATED ? [] : { time: (times[carriers?.[i] ?? i] ?? 0) + shift, value }
  })
}

/** The samples of every metric in a packed segment. */
export function readAllSamples(data: Uint8Array): { metric: string, time: number, value: StoredValue }[] {
  const segment = readSegment(data)
  return Object.keys(segment.m).flatMap(metric => samplesOf(segment, metric).map(sample => ({ metric, ...sample })))
}

/** All messages of a packed segment, in order of time. */
export function readMessages(data: Uint8Array): StoredMessage[] {
  const { t, r, m, c } = readSegment(data)
  const messages: StoredMessage[] = fromDeltas(t).map((time, i) => ({
    time,
    received: time + (r[i] ?? 0),
    metrics: {},
    ...(c?.[i] !== undefined && { claimedTs: c[i] }),
  }))
  for (const [name, column] of Object.entries(m)) {
    const indexes = column.i && fromDeltas(column.i)
    fromColumn(column).forEach((value, i) => {
      const message = messages[indexes?.[i] ?? i]
      if (message) message.metrics[name] = value
    })
  }
  return messages
}

// Our own bytes, read back: validating columns of thousands of values one by one would cost more than the query.
export function readSegment(data: Uint8Array): Segment {
  const value = unpack(data)
  if (!isSegment(value)) throw new Error('A segment of the history cannot be read.')
  return value
}

function isSegment(value: unknown): value is Segment {
  return typeof value === 'object' && value !== null && 't' in value && Array.isArray(value.t)
    && 'r' in value && Array.isArray(value.r) && 'm' in value && typeof value.m === 'object'
}
