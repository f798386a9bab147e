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
/** How long a client that sends too much has to close by itself. */
const CLOSE_GRACE_MS = 1_000
/**
 * Four of the largest frames: a client that subscribes sends less. Parts of frames that never end are counted as
 * well.
 */
const MOST_BYTES_PER_SECOND = 262_144
/** The request limit of each peer, and how to stop reading from it. */
const limitsOfPeers = new WeakMap<Peer, { isAllowed: () => boolean, pause: () => void }>()
/** Stops listening for a revocation that would close the peer. */
const revocations = new WeakMap<Peer, () => void>()

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
    await untilApplied(wanted.after)
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
    socket.on('data', (bytes: Buffer) => { if (!isBearable(bytes.length)) rejectPeer(peer) })
    const client: StreamClient = {
      id: peer.id,
      address: clientAddress(request),
      framing: WEBSOCKET,
      // Past `ws`, which would frame and write every event for every client; nothing of its own can be half sent, for it
      // does not compress. After its close frame nothing may follow.
      write: (frames) => { if (websocket.readyState === OPEN) socket.write(frames) },
      close: (code, reason) => peer.close(code, reason),
      bufferedBytes: () => socket.writableLength,
      receivedBytes: () => socket.bytesRead,
    }
    revocations.set(peer, accounts.onRevoked(principal, (why) => {
      remove(peer)
      if (why === 'gone') peer.close(CLOSE_SIGNED_OUT, SIGNED_OUT)
      else peer.close(CLOSE_RIGHTS_CHANGED, 'the rights have changed: reconnect')
    }))
    const options = { ...wanted.options, deviceScope: principal.deviceScope }
    if (wanted.replay) replays.add(client, options, wanted.replay)
    else if (!hub.add(client, options, wanted.after)) countTooManyStreams()
  },
  message(peer, message) {
    const { hub, replays, limits } = useLeitstand()
    if (isTooMuch(peer)) return
    const request = readStreamRequest(message.text(), limits)
    if (typeof request === 'string') sendError(peer, request)
    else if (replays.has(peer.id)) replays.request(peer.id, request)
    else if (request.type !== 'ping' && request.type !== 'subscribe') sendError(
      peer,
      `“${request.type}” is for replays: connect with ?at= and a moment.`,
    )
    else hub.request(peer.id, request)
  },
  close: remove,
  error(peer, error) {
    if (error.message.includes('Max payload size exceeded')) useShell().count('frame-too-large', 'A frame of a stream client is larger than 64 KiB.')
    remove(peer)
  },
})

/** Whether a client sends more than allowed; then it is closed. */
function isTooMuch(peer: Peer): boolean {
  if (limitsOfPeers.get(peer)?.isAllowed()) return false
  rejectPeer(peer)
  return true
}

/** Closes a client that sends too much and stops reading from it; it is cut off if it does not close by itself. */
function rejectPeer(peer: Peer) {
  const limits = limitsOfPeers.get(peer)
  if (!limits) return
  limitsOfPeers.delete(peer)
  useShell().count('frames-too-many', 'A stream client sends more frames than NUXT_LIMITS_STREAM_REQUESTS_PER_SECOND, or more bytes than any needs.')
  peer.close(TOO_MUCH, 'too many requests')
  limits.pause()
  setTimeout(() => peer.terminate(), CLOSE_GRACE_MS).unref()
}

function remove(peer: Peer) {
  const { hub, replays } = useLeitstand()
  revocations.get(peer)?.()
  revocations.delete(peer)
  replays.remove(peer.id)
  hub.remove(peer.id)
}

function refusal(status: number, code: string, message: string) {
  return new Response(JSON.stringify({ error: { code, message } }), { status, headers: { 'content-type': 'application/json' } })
}

function sendError(peer: Peer, message: string) {
  peer.send(JSON.stringify({ type: 'error', data: { code: 'request-invalid', message } } satisfies StreamEvent))
}

function wantedOf(url: string) {
  return readStreamQuery(new URL(url, 'ws://localhost').searchParams, useLeitstand().limits)
}

interface Frames { readyState: unknown, pong: (data: Buffer) => void, pause: () => void }

/** The objects below a peer: reading them costs nothing per client and message. crossws has no public access to them. */
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

/** The visitor of an upgrade request; the address is known only below the objects of crossws. */
function visitorBelow(request: object): ReturnType<typeof visitorOf> | undefined {
  const below = requestBelow(request)
  return below && visitorOf(below)
}

function requestBelow(request: object): IncomingMessage | undefined {
  const below: unknown = Reflect.get(request, '_req')
  return below instanceof IncomingMessage ? below : undefined
}
