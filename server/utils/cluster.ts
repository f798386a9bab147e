import type { IncomingMessage } from 'node:http'
import { SESSION_COOKIE, SHARE_COOKIE, visitorOf } from './access'
import { useLeitstand } from './leitstand'

/**
 * Where there are replicas, another one may have written a moment ago what a request builds on: who changes something finds it as it
 * is, and whoever has just signed in elsewhere is known. Undefined: there is nothing to wait for.
 */
export function untilKnown(request: IncomingMessage): Promise<void> | undefined {
  const { cluster } = useLeitstand()
  if (!cluster) return undefined
  const isReading = request.method === 'GET' || request.method === 'HEAD'
  return !isReading || isStranger(request) ? cluster.replica.catchUp() : undefined
}

/** Resolves when this replica knows what a client has been told last by any of them. */
export async function untilApplied(id: string | undefined): Promise<void> {
  const { cluster, hub } = useLeitstand()
  if (!cluster || id === undefined) return
  const n = hub.numberOf(id)
  if (!Number.isNaN(n)) await cluster.reached(n)
}

/** Shows something to be let in by, and is nobody here. */
function isStranger(request: IncomingMessage): boolean {
  const { authorization, cookie = '' } = request.headers
  const shows = authorization !== undefined || cookie.includes(SESSION_COOKIE) || cookie.includes(SHARE_COOKIE)
  return shows && visitorOf(request).principal === undefined
}
