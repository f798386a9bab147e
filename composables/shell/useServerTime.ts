// The time source of the pages. No other file may read this computer's clock (tools/lint/one-clock.ts): it may be
// wrong.
import { useNuxtApp, useState } from '#imports'
import { SERVER_TIME_HEADER } from '#shared/schemas/access'
import { likelyOffsetMs, narrowedOffset } from '#shared/time/clock-offset'
import type { ClockAnswer, ClockOffset } from '#shared/time/clock-offset'

/** Long enough for an answer; a connection that broke during sleep has none. */
const PATIENCE_MS = 5_000

/**
 * The server's clock relative to the tab's monotonic clock. On the server there is none: there the clock itself is
 * used.
 */
let offset: ClockOffset | undefined

/** Since the page was requested. It continues evenly when the computer's clock is set. */
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

/** Both clocks of this computer. */
export function readClocks() {
  return { ownMs: ownMs(), steadyMs: steadyMs() }
}

function learn(answer: ClockAnswer) {
  offset = narrowedOffset(offset, answer)
}

/** The initial time: during hydration the time at which the server rendered the page, so that both render the same. */
export function useServedAt(): number {
  const servedAtMs = useState<number | null>('served-at', () => import.meta.server ? ownMs() : null)
  const isSame = import.meta.server || useNuxtApp().isHydrating === true
  return isSame && servedAtMs.value !== null ? servedAtMs.value : presentMs()
}

/** Begins with the time that came with the page. A page from the browser's back-forward cache has an old one. */
export function beginWithServedTime() {
  const servedAtMs = useState<number | null>('served-at', () => null).value
  const isCached = performance.getEntriesByType('navigation')
    .some(entry => entry instanceof PerformanceNavigationTiming && entry.type === 'back_forward')
  if (servedAtMs !== null && !isCached) learn({ clockMs: servedAtMs, requestedMs: 0, answeredMs: steadyMs() })
}

/** Asks the server for the time; returns whether it answered. */
export async function askServerTime(): Promise<boolean> {
  try {
    const requestedMs = steadyMs()
    const { headers } = await $fetch.raw('/api/session', { retry: 0, timeout: PATIENCE_MS })
    const clockMs = Date.parse(headers.get(SERVER_TIME_HEADER) ?? '')
    if (Number.isNaN(clockMs)) return false
    learn({ clockMs, requestedMs, answeredMs: steadyMs() })
    return true
  }
  catch {
    return false
  }
}
