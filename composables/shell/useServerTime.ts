// Where the pages know the time from. No other file may ask this computer's clock (tools/lint/one-clock.ts): it may be
// wrong.
import { useNuxtApp, useState } from '#imports'
import { SERVER_TIME_HEADER } from '#shared/schemas/access'
import { likelyOffsetMs, narrowedOffset } from '#shared/time/clock-offset'
import type { ClockAnswer, ClockOffset } from '#shared/time/clock-offset'

/** Time enough for an answer; a connection that broke during sleep has none. */
const PATIENCE_MS = 5_000

/**
 * The server's clock against the steady one of this tab. What a server renders has none: there the clock itself is at
 * hand.
 */
let offset: ClockOffset | undefined

/** Since the page was asked for. It goes on evenly when somebody sets the computer's clock. */
function steadyMs(): number {
  return performance.now()
}

function ownMs(): number {
  return Date.now()
}

/** The present by the server's clock, in milliseconds since 1970. */
export function presentMs(): number {
  return offset ? steadyMs() + likelyOffsetMs(offset) : ownMs()
}

/** What both clocks of this computer show. */
export function readClocks() {
  return { ownMs: ownMs(), steadyMs: steadyMs() }
}

function learn(answer: ClockAnswer) {
  offset = narrowedOffset(offset, answer)
}

/**
 * The time to begin with: while a page comes to life that at which the server has rendered it, so that both write the
 * same.
 */
export function useServedAt(): number {
  const servedAtMs = useState<number | null>('served-at', () => import.meta.server ? ownMs() : null)
  const isSame = import.meta.server || useNuxtApp().isHydrating === true
  return isSame && servedAtMs.value !== null ? servedAtMs.value : presentMs()
}

/** Begins with the time that came with the page. One that the browser has kept for the way back tells an old one. */
export function beginWithServedTime() {
  const servedAtMs = useState<number | null>('served-at', () => null).value
  const isKept = performance.getEntriesByType('navigation')
    .some(entry => entry instanceof PerformanceNavigationTiming && entry.type === 'back_forward')
  if (servedAtMs !== null && !isKept) learn({ saidMs: servedAtMs, askedMs: 0, answeredMs: steadyMs() })
}

/** Asks the server what time it is; whether it has said so. */
export async function askServerTime(): Promise<boolean> {
  try {
    const askedMs = steadyMs()
    const { headers } = await $fetch.raw('/api/session', { retry: 0, timeout: PATIENCE_MS })
    const saidMs = Date.parse(headers.get(SERVER_TIME_HEADER) ?? '')
    if (Number.isNaN(saidMs)) return false
    learn({ saidMs, askedMs, answeredMs: steadyMs() })
    return true
  }
  catch {
    return false
  }
}
