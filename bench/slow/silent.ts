// A process of its own: clients of `/ws/events` that never read. The server closes such a client after a while: each is replaced by a
// new one every forty seconds, one after the other, so that there are always as many. Tells `{ ready }`.
import { connect } from 'node:net'
import type { Socket } from 'node:net'

const HELD_MS = 40_000

const [port = '', clients = ''] = process.argv.slice(2)
const sockets: Socket[] = []

function open(): Socket {
  // Without a listener for its data a socket is not read from.
  const socket = connect({ port: Number(port), host: '127.0.0.1' })
  socket.write(`GET /ws/events HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n`)
  socket.on('error', () => {})
  return socket
}

for (let i = 0; i < Number(clients); i++) sockets.push(open())
let oldest = 0
setInterval(() => {
  sockets[oldest]?.destroy()
  sockets[oldest] = open()
  oldest = (oldest + 1) % sockets.length
}, HELD_MS / sockets.length)
process.on('message', () => {})
process.send?.({ ready: true })
