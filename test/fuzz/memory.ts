import type { ChildProcess } from 'node:child_process'
import { z } from 'zod'
import { median } from '../../bench/support/figures'

const LOOK_EVERY_MS = 400
const MEGABYTE = 1_000_000
/** Fewer looks say nothing. */
const LEAST_LOOKS = 40
/** The last quarter may have so much more than the second one: what fills up to its limit, and a part of it. */
const SPARE_MB = 24
const SPARE_SHARE = 0.15

/** To be preloaded into the server. */
export const HELD = new URL('held.ts', import.meta.url).href
const HeldSchema = z.object({ held: z.number() })

export interface MemoryVerdict { secondMb: number, lastMb: number, mostMb: number, isFlat: boolean }

/** Judges what a server holds, in bytes: the medians of the second and of the last quarter; the first is warm-up. */
export function judgeMemory(looks: readonly number[]): MemoryVerdict | undefined {
  if (looks.length < LEAST_LOOKS) return undefined
  const quarter = Math.floor(looks.length / 4)
  const secondMb = median(looks.slice(quarter, 2 * quarter)) / MEGABYTE
  const lastMb = median(looks.slice(-quarter)) / MEGABYTE
  const mostMb = secondMb * (1 + SPARE_SHARE) + SPARE_MB
  return { secondMb, lastMb, mostMb, isFlat: lastMb <= mostMb }
}

/**
 * Looks from time to time at what a server that has {@link HELD} preloaded holds once all garbage is collected: what is resident depends
 * in a short time on when that happens. Of a server that is started anew, what was seen of the one before is forgotten.
 */
export function watchMemory(server: () => ChildProcess) {
  let looks: number[] = []
  let watched: ChildProcess | undefined

  let isAnswered = true

  function onMessage(message: unknown) {
    const { success, data } = HeldSchema.safeParse(message)
    if (!success) return
    isAnswered = true
    looks.push(data.held)
  }

  const timer = setInterval(() => {
    const now = server()
    if (now !== watched) {
      watched?.off('message', onMessage)
      looks = []
      isAnswered = true
      watched = now.on('message', onMessage)
    }
    if (!isAnswered || !now.connected) return
    isAnswered = false
    // It may be on its way out.
    now.send({ look: true }, () => {})
  }, LOOK_EVERY_MS)
  return { stop: () => clearInterval(timer), looks: () => looks }
}
