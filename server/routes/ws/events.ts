import { EventEmitter } from 'node:events'
import { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import type { Peer } from 'crossws'
import { CLOSE_RIGHTS_CHANGED, CLOSE_SIGNED_OUT } from '#shared/schemas/events'
import type { StreamEvent } from '#shared/schemas/events'
import { WEBSOCKET } from '../../stream/frames'
import { createRateLimit, readStreamQuery, readStreamRequest } from '../../stream/request'
import type { StreamClient } from '../../stream/subscriber'

const OPEN = 1
const NOT_POSSIBLE = 1011
const TOO_MUCH = 1008
const SIGNED_OUT = 'signed out'
/** How long a client that says too much has to leave by itself. */
const LAST_WORD_MS = 1_000
/** Four of the largest frames: a client that subscribes says less. Parts of frames that never become one are bytes as well. */
const MOST_BYTES_PER_SECOND = 262_144
/** What each may still say, and how to hear no more of it. */
const limitsOfPeers = new WeakMap<Peer, { isAllowed: () => boolean, pause: () => void }>()
/** How to stop being told that a peer must leave. */
const partings = new WeakMap<Peer, () => void>()

/** `WS /ws/events`: the snapshot, then every event; see `shared/schemas/events.ts`. */
export default defineWebSocketHandler({
  async upgrade(request) {
    const below = requestBelow(request)
    if (below) await untilKnown(below)
    const visitor = visitorBelow(request)
    const fault = visitor && accessFault(visitor, 'get /ws/events')
    if (!visitor || fault) throw refusal(fault?.status ?? 401, fault?.code ?? 'login-required', fault?.message ?? 'Sign in first.')
    const wanted = wantedOf(request.url)
    if (typeof wanted === 'string') throw refusal(400, 'query-invalid', `The query is not usable. ${wanted}.`)
    await untilTold(wanted.after)
  },
  open(peer) {
    const { accounts, hub, replays, limits } = useLeitstand()
    const connection = connectionOf(peer)
    const wanted = wantedOf(peer.request.url)
    if (!connection || typeof wanted === 'string') return peer.close(NOT_POSSIBLE, 'this server cannot stream')
    const { request, socket, websocket } = connection
    const { principal } = visitorOf(request)
    if (!principal) return peer.close(CLOSE_SIGNED_OUT, SIGNED_OUT)
    limitsOfPeers.set(peer, { isAllowed: createRateLimit(limits.streamRequestsPerSecond), pause: () => websocket.pause() })
    websocket.on('ping', (data: Buffer) => { if (!isTooMuch(peer)) websocket.pong(data) })
    const isBearable = createRateLimit(MOST_BYTES_PER_SECOND)
    socket.on('data', (bytes: Buffer) => { if (!isBearable(bytes.length)) sendAway(peer) })
    const client: StreamClient = {
      id: peer.id,
      address: clientAddress(request),
      framing: WEBSOCKET,
      // Past `ws`, which would frame and write every event for every client; nothing of its own can be half sent, for it
      // does not compress. After its close frame nothing may follow.
      write: (frames) => { if (websocket.readyState === OPEN) socket.write(frames) },
      close: (code, reason) => peer.close(code, reason),
      bufferedBytes: () => socket.writableLength,
      heardBytes: () => socket.bytesRead,
    }
    partings.set(peer, accounts.attend(principal, (why) => {
      remove(peer)
      if (why === 'gone') peer.close(CLOSE_SIGNED_OUT, SIGNED_OUT)
      else peer.close(CLOSE_RIGHTS_CHANGED, 'the rights have changed: reconnect')
    }))
    const options = { ...wanted.options, reach: principal.reach }
    if (wanted.replay) replays.add(client, options, wanted.replay)
    else if (!hub.add(client, options, wanted.after)) countTooManyStreams()
  },
  message(peer, message) {
    const { hub, replays, limits } = useLeitstand()
    if (isTooMuch(peer)) return
    const request = readStreamRequest(message.text(), limits)
    if (typeof request === 'string') sayError(peer, request)
    else if (replays.has(peer.id)) replays.request(peer.id, request)
    else if (request.type !== 'ping' && request.type !== 'subscribe') sayError(peer, `“${request.type}” is for replays: connect with ?at= and a moment.`)
    else hub.request(peer.id, request)
  },
  close: remove,
  error(peer, error) {
    if (error.message.includes('Max payload size exceeded')) useShell().count('frame-too-large', 'A frame of a stream client is larger than 64 KiB.')
    remove(peer)
  },
})

/** Whether a client says more than it may; then it is sent away. */
function isTooMuch(peer: Peer): boolean {
  if (limitsOfPeers.get(peer)?.isAllowed()) return false
  sendAway(peer)
  return true
}

/** Closes a client that says too much and hears no more of it; it is cut off if it does not go by itself. */
function sendAway(peer: Peer) {
  const limits = limitsOfPeers.get(peer)
  if (!limits) return
  limitsOfPeers.delete(peer)
  useShell().count('frames-too-many', 'A stream client sends more frames than NUXT_LIMITS_STREAM_REQUESTS_PER_SECOND, or more bytes than any needs.')
  peer.close(TOO_MUCH, 'too many requests')
  limits.pause()
  setTimeout(() => peer.terminate(), LAST_WORD_MS).unref()
}

function remove(peer: Peer) {
  const { hub, replays } = useLeitstand()
  partings.get(peer)?.()
  partings.delete(peer)
  replays.remove(peer.id)
  hub.remove(peer.id)
}

function refusal(status: number, code: string, message: string) {
  return new Response(JSON.stringify({ error: { code, message } }), { status, headers: { 'content-type': 'application/json' } })
}

function sayError(peer: Peer, message: string) {
  peer.send(JSON.stringify({ type: 'error', data: { code: 'request-invalid', message } } satisfies StreamEvent))
}

function wantedOf(url: string) {
  return readStreamQuery(new URL(url, 'ws://localhost').searchParams, useLeitstand().limits)
}

interface Frames { readyState: unknown, pong: (data: Buffer) => void, pause: () => void }

/** What lies below a peer, where looking costs nothing for each client and message; crossws has no public way to it. */
function connectionOf(peer: Peer): { request: IncomingMessage, socket: Socket, websocket: EventEmitter & Frames } | undefined {
  const internal: unknown = Reflect.get(peer, '_internal')
  if (typeof internal !== 'object' || internal === null) return undefined
  const request: unknown = Reflect.get(internal, 'nodeReq')
  const websocket: unknown = Reflect.get(internal, 'ws')
  if (!(request instanceof IncomingMessage) || !(websocket instanceof EventEmitter) || !hasFrames(websocket)) return undefined
  return { request, socket: request.socket, websocket }
}

function hasFrames<T extends object>(websocket: T): websocket is T & Frames {
  return 'readyState' in websocket && ['pong', 'pause'].every(name => typeof Reflect.get(websocket, name) === 'function')
}

/** Who asks for an upgrade; where they come from is known only below what crossws hands out. */
function visitorBelow(request: object): ReturnType<typeof visitorOf> | undefined {
  const below = requestBelow(request)
  return below && visitorOf(below)
}

function requestBelow(request: object): IncomingMessage | undefined {
  const below: unknown = Reflect.get(request, '_req')
  return below instanceof IncomingMessage ? below : undefined
}
