import { chance } from '../../../tools/simulator/random.ts'

/** Pseudo-random numbers: the same seed is the same sequence. */
export function createRandom(seed: number) {
  let index = 0
  const next = () => chance(seed, index++)
  return {
    /** In [0, 1). */
    next,
    /** How long until the next of things that happen `perSecond` times a second without regard to each other. */
    exponential: (perSecond: number) => -Math.log(1 - next()) / perSecond,
    below: (limit: number) => Math.floor(next() * limit),
  }
}
export type Random = ReturnType<typeof createRandom>
