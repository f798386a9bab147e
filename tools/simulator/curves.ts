import { chance } from './random.ts'

/** A value over time; `atMs` is a Unix time in milliseconds. */
export type Curve = (atMs: number) => number

export const SECOND_MS = 1_000
export const MINUTE_MS = 60_000
export const HOUR_MS = 3_600_000
export const DAY_MS = 86_400_000

/** Share of the swing and speed relative to `periodMs`. The speeds share no divisor, so the curve hardly repeats. */
const WAVES = [[0.55, 1], [0.3, 2.7], [0.15, 7.1]] as const

/** A smooth curve without a jump that stays within [-1, 1] and takes about `periodMs` from crest to crest. */
export function createWander(seed: number, periodMs: number): Curve {
  const phases = WAVES.map((_, index) => chance(seed, index))
  return atMs => WAVES.reduce((sum, [share, speed], index) =>
    sum + share * Math.sin(2 * Math.PI * ((atMs / periodMs) * speed + (phases[index] ?? 0))), 0)
}

/** The course of a day, within [-1, 1]: coldest at 03:00 UTC, warmest at 15:00 UTC. */
export function dayCurve(atMs: number): number {
  return -Math.cos(2 * Math.PI * ((atMs % DAY_MS) - 3 * HOUR_MS) / DAY_MS)
}

/** Rounded as a sensor reports it. */
export function round(value: number, digits: number): number {
  return Number(value.toFixed(digits))
}
