import type { IncomingMessage } from 'node:http'
import { listOf } from '#shared/text/text-list'
import type { Leitstand } from '../leitstand/leitstand'
import type { Settings } from '../settings'
import { createRequestGuard } from '../http/request-guard'
import type { RequestGuard } from '../http/request-guard'

let current: RequestGuard | undefined

/** The request guard of the server by its settings. `baseURL` ends with a slash. */
export function buildShell({ security, limits }: Settings, refusals: Leitstand['refusals'], baseURL: string): RequestGuard {
  return createRequestGuard({
    hosts: listOf(security.hosts),
    origins: listOf(security.origins),
    trustedProxies: listOf(security.trustedProxies),
    frameAncestors: listOf(security.frameAncestors),
    baseURL,
    headerBytes: limits.headerBytes,
    headerSeconds: limits.headerSeconds,
    requestSeconds: limits.requestSeconds,
    maxConnections: limits.connections,
    refusals,
  })
}

/** The client address of a request: from the connection and the headers of trusted proxies. */
export function clientAddress({ headers, socket }: IncomingMessage): string {
  const forwarded = headers['x-forwarded-for']
  return typeof forwarded === 'string' ? forwarded : socket.remoteAddress ?? ''
}

/** A stream client was refused because of a limit. */
export function countTooManyStreams() {
  useShell().count('streams-too-many', 'There are more stream clients than NUXT_LIMITS_STREAM_CLIENTS or NUXT_LIMITS_STREAM_CLIENTS_PER_ADDRESS.')
}

/** Called once by the plugin; a dev reload replaces it. */
export function provideShell(shell: RequestGuard) {
  current = shell
}

/** The request guard, for the server and for handlers that refuse something. */
export function useShell(): RequestGuard {
  if (!current) throw new Error('The shell was asked for before the plugin built it.')
  return current
}
