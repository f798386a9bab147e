import type { IncomingMessage } from 'node:http'
import { SESSION_COOKIE, SHARE_COOKIE, visitorOf } from './access'
import { useLeitstand } from './leitstand'

/**
 * Another replica may just have written what a request builds on. This waits until a writer sees the latest data, and
 * until a session that has just started elsewhere is known. Undefined: there is nothing to wait for.
 */
export function untilKnown(request: IncomingMessage): Promise<void> | undefined {
  const { cluster } = useLeitstand()
  if (!cluster) return undefined
  const isReading = request.method === 'GET' || request.method === 'HEAD'
  return !isReading || isStranger(request) ? cluster.replica.catchUp() : undefined
}

/** Resolves when this replica has applied the last event that a client got from any of them. */
export async function untilApplied(id: string | undefined): Promise<void> {
  const { cluster, hub } = useLeitstand()
  if (!cluster || id === undefined) return
  const n = hub.numberOf(id)
  if (!Number.isNaN(n)) await cluster.reached(n)
}

/** The request has credentials, and they are unknown here. */
function isStranger(request: IncomingMessage): boolean {
  const { authorization, cookie = '' } = request.headers
  const shows = authorization !== undefined || cookie.includes(SESSION_COOKIE) || cookie.includes(SHARE_COOKIE)
  return shows && visitorOf(request).principal === undefined
}
