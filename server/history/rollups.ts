import type { MetricValue } from '#shared/schemas/telemetry'
import { fromDeltas, pack, toDeltas, unpack } from './columns'
import type { Sample } from './segments'

export const MINUTE = 60_000_000
export const HOUR = 60 * MINUTE
export const DAY = 24 * HOUR

/** Two sizes of time bucket, and how many microseconds of them are packed into one row. */
export const TIERS = {
  minute: { id: 1, step: MINUTE, period: DAY },
  hour: { id: 2, step: HOUR, period: 32 * DAY },
} as const
export type TierName = keyof typeof TIERS

/** What is known of one metric in one bucket of time. `min`, `max` and `sum` are of the `numbers` numeric values. */
export interface Rollup {
  /** Begin of the bucket, microseconds since 1970. */
  start: number
  count: number
  numbers: number
  min: number
  max: number
  sum: number
  last: MetricValue
}

export const floorTo = (time: number, step: number): number => Math.floor(time / step) * step

/** Rollups of samples in order of time; `held` gives what a bucket holds already of earlier samples. */
export function rollUp(samples: readonly Sample[], step: number, held?: (start: number) => Rollup | undefined): Rollup[] {
  const rollups: Rollup[] = []
  let current: Rollup | undefined
  for (const { time, value } of samples) {
    if (!current || time < current.start || time >= current.start + step) {
      const start = floorTo(time, step)
      rollups.push(current = { ...(held?.(start) ?? emptyRollup(start, value)) })
    }
    add(current, value)
  }
  return rollups
}

function emptyRollup(start: number, last: MetricValue): Rollup {
  return { start, count: 0, numbers: 0, min: Infinity, max: -Infinity, sum: 0, last }
}

function add(rollup: Rollup, value: MetricValue) {
  rollup.count++
  rollup.last = value
  if (typeof value !== 'number') return
  rollup.numbers++
  rollup.min = Math.min(rollup.min, value)
  rollup.max = Math.max(rollup.max, value)
  rollup.sum += value
}

/** Several buckets, in order of time, as larger ones. */
export function mergeRollups(rollups: readonly Rollup[], step: number): Rollup[] {
  const merged: Rollup[] = []
  let current: Rollup | undefined
  for (const rollup of rollups) {
    const start = floorTo(rollup.start, step)
    if (current?.start !== start) merged.push(current = emptyRollup(start, rollup.last))
    current.count += rollup.count
    current.numbers += rollup.numbers
    current.min = Math.min(current.min, rollup.min)
    current.max = Math.max(current.max, rollup.max)
    current.sum += rollup.sum
    current.last = rollup.last
  }
  return merged
}

/**
 * Rollups of one period by column: `k` bucket numbers as deltas, `n` counts, `v` last values, `x` min, max and sum of each
 * bucket that holds more than its last value, `q` how many of its values are numbers where not all or none are.
 */
interface Columns { k: number[], n: number[], v: MetricValue[], x: number[], q?: [number, number][] }

export function packRollups(rollups: readonly Rollup[], step: number): Buffer {
  const mixed = rollups.flatMap(({ count, numbers, last }, i): [number, number][] => numbers === usualNumbers(count, last) ? [] : [[i, numbers]])
  const columns: Columns = {
    k: toDeltas(rollups.map(({ start }) => start / step)),
    n: rollups.map(({ count }) => count),
    v: rollups.map(({ last }) => last),
    x: rollups.flatMap(({ count, numbers, min, max, sum }) => count > 1 && numbers > 0 ? [min, max, sum] : []),
    ...(mixed.length > 0 && { q: mixed }),
  }
  return pack(columns)
}

export function unpackRollups(data: Uint8Array, step: number): Rollup[] {
  const columns = unpack(data)
  if (!isColumns(columns)) throw new Error('A rollup of the history cannot be read.')
  const { n, v, x } = columns
  const mixed = new Map(columns.q)
  let next = 0
  return fromDeltas(columns.k).map((bucket, i) => {
    const count = n[i] ?? 0
    const last = v[i] ?? 0
    const numbers = mixed.get(i) ?? usualNumbers(count, last)
    const rollup = { ...emptyRollup(bucket * step, last), count, numbers }
    if (numbers === 0) return rollup
    if (count === 1 && typeof last === 'number') return { ...rollup, min: last, max: last, sum: last }
    const [min = Infinity, max = -Infinity, sum = 0] = x.slice(next, next += 3)
    return { ...rollup, min, max, sum }
  })
}

function usualNumbers(count: number, last: MetricValue): number {
  return typeof last === 'number' ? count : 0
}

function isColumns(value: unknown): value is Columns {
  return typeof value === 'object' && value !== null && 'k' in value && Array.isArray(value.k)
    && 'n' in value && Array.isArray(value.n) && 'v' in value && Array.isArray(value.v) && 'x' in value && Array.isArray(value.x)
}
