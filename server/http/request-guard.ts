// Owns the checks that every request and connection must pass before anything is done for it, and the security headers
// of every response. Promises that each rejected request is counted and answered with one sentence. Never knows the
// user.
import type { IncomingMessage, RequestListener, Server, ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import type { ErrorAnswer } from '#shared/schemas/error'
import type { RefusalReason } from '#shared/schemas/refusal'
import { clientError } from './client-errors'
import { createSecurityHeaders } from './headers'
import { createHostCheck } from './hosts'
import { foreignOriginOf } from './origins'
import { createForwarding } from './forwarded'
import type { RejectedRequests } from './rejected-requests'
import { createBasePath } from './base-path'
import { rawResponse } from './raw-response'

export interface RequestGuardOptions {
  hosts: readonly string[]
  origins: readonly string[]
  trustedProxies: readonly string[]
  frameAncestors: readonly string[]
  /** The path of the application; begins and ends with a slash. */
  baseURL: string
  headerBytes: number
  headerSeconds: number
  requestSeconds: number
  maxConnections: number
  refusals: RejectedRequests
}

interface Refusal { status: number, reason: RefusalReason, message: string, kind?: string }

const SAFE_METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE'])
/** How often requests that take too long are looked for. */
const LOOK_EVERY_MS = 1_000

export function createRequestGuard({ refusals, ...options }: RequestGuardOptions) {
  const forward = createForwarding(options.trustedProxies)
  const isKnownHost = createHostCheck(options.hosts)
  const headers = createSecurityHeaders(options.frameAncestors)
  const origins = new Set(options.origins)
  const place = createBasePath(options.baseURL)
  const socketPath = `${options.baseURL}ws/events`

  function faultOf({ url = '', headers: { host } }: IncomingMessage): Refusal | undefined {
    if (!url.startsWith('/')) return { status: 400, reason: 'request-malformed', message: 'The address of a request begins with a slash.' }
    if (leadsUp(url)) return { status: 404, reason: 'path-foreign', message: 'The address leads out of where it begins (..), as no browser asks.' }
    // Without a host header it is no browser that could have been misled.
    if (host === undefined || isKnownHost(host)) return undefined
    return { status: 421, reason: 'host-foreign', message: `This server does not answer to the name “${host.slice(0, 200)}”. If it should, add the name to NUXT_SECURITY_HOSTS.` }
  }

  /** Pages of other sites in the same browser can read nothing, so only changes and sockets are refused to them. */
  function foreignOrigin(req: IncomingMessage): Refusal | undefined {
    const message = foreignOriginOf(req, origins)
    return message === undefined ? undefined : { status: 403, reason: 'origin-foreign', message }
  }

  function refuse({ status, reason, message, kind }: Refusal): { status: number, body: string } {
    refusals.count(reason, message, kind)
    return { status, body: JSON.stringify({ error: { code: reason, message } } satisfies ErrorAnswer) }
  }

  const door = {
    pagePolicy: headers.pagePolicy,
    /** Of the HTTP server. */
    serverOptions: {
      maxHeaderSize: options.headerBytes,
      headersTimeout: Math.min(options.headerSeconds, options.requestSeconds) * 1_000,
      requestTimeout: options.requestSeconds * 1_000,
      connectionsCheckingInterval: LOOK_EVERY_MS,
    },
    /** Whether a request may continue; otherwise it has been answered. */
    admit(req: IncomingMessage, res: ServerResponse): boolean {
      forward(req)
      place(req)
      headers.apply(req.headers, res)
      endUnreadBody(req, res, options.headerSeconds)
      const isAsking = isQuestion(req, socketPath)
      // Not every browser sends it for a socket, so it cannot count here.
      if (isAsking && req.headers['sec-fetch-site'] === 'same-origin') delete req.headers['sec-fetch-site']
      const refusal = faultOf(req) ?? (SAFE_METHODS.has(req.method ?? '') ? undefined : foreignOrigin(req))
      if (!refusal && !isAsking) return true
      if (!refusal) {
        res.writeHead(204, { 'cache-control': 'no-store' }).end()
        return false
      }
      const { status, body } = refuse(refusal)
      res.writeHead(status, { 'content-type': 'application/json; charset=utf-8', 'content-length': Buffer.byteLength(body), 'cache-control': 'no-store' }).end(body)
      return false
    },
    /** Whether a socket may be opened; otherwise the connection has been answered and is closed. */
    admitUpgrade(req: IncomingMessage, socket: Duplex): boolean {
      // An error without a listener would end the process, and nothing listens yet.
      socket.on('error', () => socket.destroy())
      forward(req)
      place(req)
      const [path = ''] = (req.url ?? '').split('?')
      const foreignPath = path === socketPath ? undefined : { status: 404, reason: 'upgrade-foreign' as const, message: `There is no socket here; it is at ${socketPath}.` }
      const refusal = faultOf(req) ?? foreignPath ?? foreignOrigin(req)
      if (!refusal) return true
      const { status, body } = refuse(refusal)
      socket.end(rawResponse(status, body), () => socket.destroy())
      return false
    },
    /** Answers connections without a valid request, or without one in time. */
    onClientError(error: Error, socket: Duplex) {
      const fault = clientError(error, socket)
      if (!fault) return socket.destroy()
      const { status, body } = refuse(fault)
      if (socket.writable) socket.write(rawResponse(status, body))
      socket.destroy()
    },
    /** Installs the guard in front of a server with the options `serverOptions`. */
    guard(server: Server, answer: RequestListener, upgrade: (req: IncomingMessage, socket: Duplex, head: Buffer) => unknown) {
      server.maxConnections = options.maxConnections
      server.on('request', (req, res) => { if (door.admit(req, res)) answer(req, res) })
      server.on('upgrade', (req, socket, head) => { if (door.admitUpgrade(req, socket)) upgrade(req, socket, head) })
      server.on('clientError', door.onClientError)
      server.on('drop', () => refusals.count('connections-too-many', 'There are more connections at once than NUXT_LIMITS_CONNECTIONS.'))
    },
    /** Counts a request that was rejected further inside. */
    count: refusals.count,
  }
  return door
}
export type RequestGuard = ReturnType<typeof createRequestGuard>

/**
 * Whether a page asks if its socket would be accepted, by `POST` to the socket's address: a browser does not reveal
 * why a socket was refused, and sends the page's origin with every `POST`.
 */
function isQuestion({ method, url = '' }: IncomingMessage, socketPath: string): boolean {
  return method === 'POST' && url.split('?', 1)[0] === socketPath
}

/**
 * Node continues to read what a handler has left unread. It may, so that the client gets the response, but not
 * without limit.
 */
function endUnreadBody(req: IncomingMessage, res: ServerResponse, seconds: number) {
  if (req.headers['transfer-encoding'] === undefined && Number(req.headers['content-length'] ?? 0) === 0) return
  res.once('finish', () => {
    if (req.complete) return
    const timer = setTimeout(() => { if (!req.complete) req.socket.destroy() }, seconds * 1_000).unref()
    req.once('close', () => clearTimeout(timer))
  })
}

/**
 * Whether a part of a path, however it is encoded, begins with a step up. A name that only contains one is no step
 * up.
 */
function leadsUp(url: string): boolean {
  const [path = ''] = url.split('?', 1)
  return /(?:^|\/)(?:\.|%2e){2}(?:\/|\\|%2f|%5c|$)/i.test(path)
}
