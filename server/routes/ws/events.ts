import { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import type { Peer } from 'crossws'
import type { StreamEvent } from '#shared/schemas/events'
import { StreamRequestSchema } from '#shared/schemas/events'

const PONG = JSON.stringify({ type: 'pong' } satisfies StreamEvent)
const NOT_UNDERSTOOD = JSON.stringify({
  type: 'error',
  data: { code: 'request-invalid', message: 'Only {"type":"ping"} is understood here.' },
} satisfies StreamEvent)

const OPEN = 1
const NOT_POSSIBLE = 1011

/** `WS /ws/events`: the snapshot, then every event; see `shared/schemas/events.ts`. */
export default defineWebSocketHandler({
  open(peer) {
    const socket = socketOf(peer)
    if (!socket) return peer.close(NOT_POSSIBLE, 'this server cannot stream')
    useLeitstand().hub.add({
      id: peer.id,
      // Past `ws`, which would frame and write every event for every client; nothing of its own can be half sent, for it
      // does not compress. After its close frame nothing may follow.
      write: (frames) => { if (peer.websocket.readyState === OPEN) socket.write(frames) },
      close: (code, reason) => peer.close(code, reason),
      bufferedBytes: () => peer.websocket.bufferedAmount ?? 0,
    })
  },
  message(peer, message) {
    peer.send(isPing(message.text()) ? PONG : NOT_UNDERSTOOD)
  },
  close: peer => useLeitstand().hub.remove(peer.id),
  error: peer => useLeitstand().hub.remove(peer.id),
})

/** The socket below a peer; crossws has no public way to it. */
function socketOf(peer: Peer): Socket | undefined {
  const internal: unknown = Reflect.get(peer, '_internal')
  const request: unknown = typeof internal === 'object' && internal !== null ? Reflect.get(internal, 'nodeReq') : undefined
  return request instanceof IncomingMessage ? request.socket : undefined
}

function isPing(text: string): boolean {
  try {
    return StreamRequestSchema.safeParse(JSON.parse(text)).success
  }
  catch {
    return false
  }
}
