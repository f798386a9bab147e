// A process of its own: so many viewers, each with a connection to `/ws/events` that asks for what a page asks for and reads
// everything. Tells `{ ready }`, how many are connected, and `{ bytes }` read so far.
import { connect } from 'node:net'

const REPORT_MS = 100
const PATH = '/ws/events?after=&batch=20'

const [port = '', viewers = ''] = process.argv.slice(2)
let ready = 0
let bytes = 0
for (let i = 0; i < Number(viewers); i++) {
  const socket = connect({ port: Number(port), host: '127.0.0.1' })
  socket.write(`GET ${PATH} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n`)
  socket.once('data', answer => answer.toString('latin1', 0, 12).endsWith(' 101') ? ready++ : process.exit(1))
  socket.on('data', (chunk) => { bytes += chunk.length })
  socket.on('close', () => process.exit(1))
}
setInterval(() => process.send?.({ ready, bytes }), REPORT_MS)
