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

/** `WS /ws/events`: the snapshot, then every event; see `shared/schemas/events.ts`. */
export default defineWebSocketHandler({
  open(peer) {
    const socket = socketOf(peer)
    useLeitstand().hub.add({
      id: peer.id,
      send: frame => void peer.send(frame),
      close: (code, reason) => peer.close(code, reason),
      cork: () => socket?.cork(),
      uncork: () => socket?.uncork(),
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
