import { between } from './random.ts'

export interface DoorOptions {
  /** The door opens once in every cycle of this length, at an irregular moment. */
  cycleMs: number
  /** Shortest and longest time that it stays open; shorter than the cycle. */
  openMs: readonly [min: number, max: number]
}

/** A door that opens and closes by itself; every answer depends on the time alone (Unix time in milliseconds). */
export interface Door {
  status: (atMs: number) => 'open' | 'closed'
  /** When it last opened or closed, in whole milliseconds. */
  changedAt: (atMs: number) => number
  /** How much of the outside has come in, 0 to 1: rises while the door is open, fades afterwards, both with `lagMs`. */
  draught: (atMs: number, lagMs: number) => number
}

/** Openings further back than this many cycles are no longer felt. */
const CYCLES_FELT = 5

/** The same seed is the same door. */
export function createDoor(seed: number, { cycleMs, openMs }: DoorOptions): Door {
  function opening(cycle: number) {
    const stays = between(openMs[0], openMs[1], seed, 2 * cycle)
    const opens = Math.round(cycle * cycleMs + between(0, cycleMs - stays, seed, 2 * cycle + 1))
    return { opens, closes: Math.round(opens + stays) }
  }
  const cycleOf = (atMs: number) => Math.floor(atMs / cycleMs)

  return {
    status(atMs) {
      const { opens, closes } = opening(cycleOf(atMs))
      return atMs >= opens && atMs < closes ? 'open' : 'closed'
    },
    changedAt(atMs) {
      const cycle = cycleOf(atMs)
      const { opens, closes } = opening(cycle)
      if (atMs >= closes) return closes
      return atMs >= opens ? opens : opening(cycle - 1).closes
    },
    draught(atMs, lagMs) {
      const fades = (fromMs: number, toMs: number) => Math.exp((fromMs - toMs) / lagMs)
      let inside = 0
      let last = 0
      for (let cycle = cycleOf(atMs) - CYCLES_FELT; cycle <= cycleOf(atMs); cycle++) {
        const { opens, closes } = opening(cycle)
        if (opens >= atMs) break
        const until = Math.min(atMs, closes)
        inside = 1 - (1 - inside * fades(last, opens)) * fades(opens, until)
        last = until
      }
      return inside * fades(last, atMs)
    },
  }
}
