import { fromDeltas, pack, toDeltas, unpack } from './columns'
import type { Sample } from './segments'
import { fromColumn, numberIn, toColumn } from './values'
import type { StoredValue, ValueColumn } from './values'

export const MINUTE = 60_000_000
export const HOUR = 60 * MINUTE
export const DAY = 24 * HOUR

/** Two sizes of time bucket, and how many microseconds of them are packed into one row. */
export const TIERS = {
  minute: { id: 1, step: MINUTE, period: DAY },
  hour: { id: 2, step: HOUR, period: 32 * DAY },
} as const
export type TierName = keyof typeof TIERS

/**
 * The figures of one metric in one time bucket. `min`, `max` and `sum` cover the `numbers` numeric values. If the sum
 * is too large for a number, `mean` is set.
 */
export interface Rollup {
  /** Begin of the bucket, microseconds since 1970. */
  start: number
  count: number
  numbers: number
  min: number
  max: number
  sum: number
  mean?: number
  last: StoredValue
}

export const floorTo = (time: number, step: number): number => Math.floor(time / step) * step

/** Rollups of samples in order of time; `held` returns what a bucket already contains of earlier samples. */
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

function emptyRollup(start: number, last: StoredValue): Rollup {
  return { start, count: 0, numbers: 0, min: Infinity, max: -Infinity, sum: 0, last }
}

function add(rollup: Rollup, value: StoredValue) {
  rollup.count++
  rollup.last = value
  const number = numberIn(value)
  if (number === undefined) return
  addNumbers(rollup, { numbers: 1, min: number, max: number, sum: number })
}

type Numbers = Pick<Rollup, 'numbers' | 'min' | 'max' | 'sum' | 'mean'>

function addNumbers(rollup: Rollup, added: Numbers) {
  if (added.numbers === 0) return
  const numbers = rollup.numbers + added.numbers
  const sum = rollup.sum + added.sum
  if (!Number.isFinite(sum)) {
    rollup.mean = meanOf(rollup) * (rollup.numbers / numbers) + meanOf(added) * (added.numbers / numbers)
  }
  rollup.numbers = numbers
  rollup.sum = sum
  rollup.min = Math.min(rollup.min, added.min)
  rollup.max = Math.max(rollup.max, added.max)
}

/** The mean of the numbers in a bucket, 0 where there are none; always finite. */
export function meanOf({ numbers, min, max, sum, mean }: Numbers): number {
  if (numbers === 0) return 0
  if (Number.isFinite(sum)) return sum / numbers
  // Rounding must not leave the range of the measured values.
  return Math.min(max, Math.max(min, mean ?? min / 2 + max / 2))
}

/** Merges several buckets, in order of time, into larger ones. */
export function mergeRollups(rollups: readonly Rollup[], step: number): Rollup[] {
  const merged: Rollup[] = []
  let current: Rollup | undefined
  for (const rollup of rollups) {
    const start = floorTo(rollup.start, step)
    if (current?.start !== start) merged.push(current = emptyRollup(start, rollup.last))
    current.count += rollup.count
    current.last = rollup.last
    addNumbers(current, rollup)
  }
  return merged
}

/**
 * Rollups of one period by column: `k` bucket numbers as deltas, `n` counts, `v` (and `e`) last values, `x` min, max and sum
 * of each bucket that holds more than its last value, `q` how many of its values are numbers where not all or none are, `b`
 * the mean where the sum is too large to be a number (`null` in `x`).
 */
interface Columns extends ValueColumn {
  k: number[]
  n: number[]
  x: (number | null)[]
  q?: [number, number][]
  b?: [number, number][]
}

export function packRollups(rollups: readonly Rollup[], step: number): Buffer {
  const mixed = rollups.flatMap(({ count, numbers, last }, i): [number, number][] => numbers === usualNumbers(count, last) ? [] : [[i, numbers]])
  const overflown = rollups.flatMap((rollup, i): [number, number][] => {
    return Number.isFinite(rollup.sum) ? [] : [[i, meanOf(rollup)]]
  })
  const columns: Columns = {
    k: toDeltas(rollups.map(({ start }) => start / step)),
    n: rollups.map(({ count }) => count),
    ...toColumn(rollups.map(({ last }) => last)),
    x: rollups.flatMap(({ count, numbers, min, max, sum }) => {
      return count > 1 && numbers > 0 ? [min, max, Number.isFinite(sum) ? sum : null] : []
    }),
    ...(mixed.length > 0 && { q: mixed }),
    ...(overflown.length > 0 && { b: overflown }),
  }
  return pack(columns)
}

export function unpackRollups(data: Uint8Array, step: number): Rollup[] {
  const columns = unpack(data)
  if (!isColumns(columns)) throw new Error('A rollup of the history cannot be read.')
  const { n, x } = columns
  const lasts = fromColumn(columns)
  const mixed = new Map(columns.q)
  const means = new Map(columns.b)
  let next = 0
  return fromDeltas(columns.k).map((bucket, i) => {
    const count = n[i] ?? 0
    const last = lasts[i] ?? null
    const numbers = mixed.get(i) ?? usualNumbers(count, last)
    const rollup = { ...emptyRollup(bucket * step, last), count, numbers }
    if (numbers === 0) return rollup
    const only = count === 1 ? numberIn(last) : undefined
    if (only !== undefined) return { ...rollup, min: only, max: only, sum: only }
    const [min, max, sum] = x.slice(next, next += 3)
    const mean = means.get(i)
    const found = { ...rollup, min: min ?? Infinity, max: max ?? -Infinity, sum: sum ?? Infinity }
    return mean === undefined ? found : { ...found, mean }
  })
}

function usualNumbers(count: number, last: StoredValue): number {
  return numberIn(last) === undefined ? 0 : count
}

function isColumns(value: unknown): value is Columns {
  return typeof value === 'object' && value !== null && 'k' in value && Array.isArray(value.k)
    && 'n' in value && Array.isArray(value.n) && 'v' in value && Array.isArray(value.v) && 'x' in value && Array.isArray(value.x)
}
