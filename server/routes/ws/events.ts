import { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import type { Peer } from 'crossws'
import type { StreamEvent } from '#shared/schemas/events'
import { WEBSOCKET } from '../../live/frames'
import { createRateLimit, readStreamQuery, readStreamRequest } from '../../live/request'

const OPEN = 1
const NOT_POSSIBLE = 1011
const TOO_MUCH = 1008
const limitsOfPeers = new WeakMap<Peer, () => boolean>()

/** `WS /ws/events`: the snapshot, then every event; see `shared/schemas/events.ts`. */
export default defineWebSocketHandler({
  upgrade(request) {
    const wanted = wantedOf(request.url)
    if (typeof wanted !== 'string') return
    const body = { error: { code: 'query-invalid', message: `The query is not usable. ${wanted}.` } }
    throw new Response(JSON.stringify(body), { status: 400, headers: { 'content-type': 'application/json' } })
  },
  open(peer) {
    const { hub, limits } = useLeitstand()
    const socket = socketOf(peer)
    const wanted = wantedOf(peer.request.url)
    if (!socket || typeof wanted === 'string') return peer.close(NOT_POSSIBLE, 'this server cannot stream')
    limitsOfPeers.set(peer, createRateLimit(limits.streamRequestsPerSecond))
    hub.add({
      id: peer.id,
      address: socket.remoteAddress ?? '',
      framing: WEBSOCKET,
      // Past `ws`, which would frame and write every event for every client; nothing of its own can be half sent, for it
      // does not compress. After its close frame nothing may follow.
      write: (frames) => { if (peer.websocket.readyState === OPEN) socket.write(frames) },
      close: (code, reason) => peer.close(code, reason),
      bufferedBytes: () => socket.writableLength,
      heardBytes: () => socket.bytesRead,
    }, wanted.options, wanted.after)
  },
  message(peer, message) {
    const { hub, limits } = useLeitstand()
    if (limitsOfPeers.get(peer)?.() === false) return peer.close(TOO_MUCH, 'too many requests')
    const request = readStreamRequest(message.text(), limits.streamDevices)
    if (typeof request === 'string') peer.send(JSON.stringify({ type: 'error', data: { code: 'request-invalid', message: request } } satisfies StreamEvent))
    else hub.request(peer.id, request)
  },
  close: peer => useLeitstand().hub.remove(peer.id),
  error: peer => useLeitstand().hub.remove(peer.id),
})

function wantedOf(url: string) {
  return readStreamQuery(new URL(url, 'ws://localhost').searchParams, useLeitstand().limits.streamDevices)
}

/** The socket below a peer; crossws has no public way to it. */
function socketOf(peer: Peer): Socket | undefined {
  const internal: unknown = Reflect.get(peer, '_internal')
  const request: unknown = typeof internal === 'object' && internal !== null ? Reflect.get(internal, 'nodeReq') : undefined
  return request instanceof IncomingMessage ? request.socket : undefined
}
