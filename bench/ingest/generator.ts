// A process of its own: publishes as fast as the broker takes it, but never runs more than a fixed number of messages ahead of
// the subscriber: it is always behind, and the processor is not wasted on a queue that only grows.
// Told `{ received }` (how many the subscriber has) and `{ stop: true }`; tells `{ sent, acknowledged }`.
import { connect } from 'node:net'
import type { Socket } from 'node:net'
import { connectPacket, createPackets } from '../support/packets.ts'

/** Mosquitto takes one packet of each connection in turn: several, so that the subscriber's acknowledgements do not slow it down. */
const CONNECTIONS = 6
/** Unacknowledged messages per connection. */
const WINDOW = 500
const BURST = 100
const REPORT_MS = 20
/** CONNACK and PUBACK of MQTT 3.1.1 alike. */
const ANSWER_BYTES = 4

const [port = '', ahead = '', quality = ''] = process.argv.slice(2)
const maxAhead = Number(ahead)
const qos = quality === '0' ? 0 : 1
const packets = createPackets({ devices: 1_000, variants: 16, qos })
let sent = 0
let acknowledged = 0
let received = 0
let stopped = false

interface Link { socket: Socket, sent: number, answered: number }
const links = Array.from({ length: CONNECTIONS }, (_, i) => open(`generator-${i}`))

function open(clientId: string): Link {
  const socket = connect({ port: Number(port), host: '127.0.0.1', noDelay: true })
  const link: Link = { socket, sent: 0, answered: -1 }
  let bytes = 0
  socket.write(connectPacket(clientId))
  socket.on('data', (chunk) => {
    bytes += chunk.length
    const answered = Math.floor(bytes / ANSWER_BYTES) - 1
    acknowledged += answered - Math.max(link.answered, 0)
    link.answered = answered
    pump(link)
  })
  socket.on('drain', () => pump(link))
  socket.on('close', () => process.exit(1))
  return link
}

function pump(link: Link) {
  while (!stopped && link.answered >= 0 && !link.socket.writableNeedDrain) {
    const window = qos === 0 ? BURST : WINDOW - (link.sent - link.answered)
    const room = Math.min(BURST, window, maxAhead - (sent - received))
    // A few at a time only, where the alternative is many small writes.
    if (room < BURST / 4) return
    const time = new Date().toISOString()
    const out = Buffer.allocUnsafe(room * packets.bytes)
    for (let i = 0; i < room; i++) packets.write(out, i * packets.bytes, { index: sent++, packetId: 1 + link.sent++ % 65_535, time })
    link.socket.write(out)
  }
}

process.on('message', (message) => {
  if (typeof message !== 'object' || message === null) return
  if ('stop' in message) stopped = true
  if ('received' in message) received = Number(message.received)
  links.forEach(pump)
})
setInterval(() => {
  process.send?.({ sent, acknowledged, stopped })
  links.forEach(pump)
}, REPORT_MS)
