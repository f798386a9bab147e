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
    useLeitstand().hub.add({
      id: peer.id,
      send: frame => void peer.send(frame),
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

function isPing(text: string): boolean {
  try {
    return StreamRequestSchema.safeParse(JSON.parse(text)).success
  }
  catch {
    return false
  }
}
