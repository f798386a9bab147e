import { setTimeout as sleep } from 'node:timers/promises'
import type { Health } from '#shared/schemas/health'
import { HealthSchema } from '#shared/schemas/health'

const POLL_MS = 150
const ANSWER_TIMEOUT_MS = 2_000
const FIRST_ANSWER_TIMEOUT_MS = 60_000

/**
 * Asks `/api/health` until the server is well and returns its answer; undefined when `signal` aborts before.
 * @param onWaiting Called with the server's own words whenever another fault keeps it from being well.
 * @throws when it gives no answer at all for a minute.
 */
export async function untilHealthy(origin: string, signal: AbortSignal, onWaiting: (reason: string) => void): Promise<Health | undefined> {
  const giveUp = AbortSignal.timeout(FIRST_ANSWER_TIMEOUT_MS)
  let answered = false
  let reason: string | null = null
  while (!signal.aborted) {
    const health = await askHealth(origin)
    if (health?.status === 'ok') return health
    answered ||= health !== undefined
    if (!answered && giveUp.aborted) throw new Error(`The server gives no usable answer on ${origin}/api/health.`)
    if (health && health.broker.code !== 'connecting' && health.reason !== reason) {
      reason = health.reason
      if (reason) onWaiting(reason)
    }
    await sleep(POLL_MS, undefined, { signal }).catch(() => undefined)
  }
  return undefined
}

/** The server's answer, well or not; undefined while it gives none. */
async function askHealth(origin: string): Promise<Health | undefined> {
  try {
    const response = await fetch(`${origin}/api/health`, { signal: AbortSignal.timeout(ANSWER_TIMEOUT_MS) })
    return HealthSchema.parse(await response.json())
  }
  catch {
    return undefined
  }
}
