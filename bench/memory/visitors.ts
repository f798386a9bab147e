// A process of its own: clients of the event stream that come and go, so many a minute. Each leaves as soon as it has got something:
// in turn with a close frame, without a word, and as a client of server-sent events. Tells `{ left }`, how many have come and gone.
import { connect } from 'node:net'

const KINDS = ['closes', 'vanishes', 'server-sent'] as const
/** A close frame of a client: masked, with the code 1001. */
const CLOSE = Buffer.from([0x88, 0x82, 0, 0, 0, 0, 0x03, 0xE9])
const REPORT_MS = 50
const MINUTE_MS = 60_000

const [port = '', perMinute = ''] = process.argv.slice(2)
let come = 0
let left = 0
let stopped = false

function visit() {
  if (stopped) return
  const kind = KINDS[come++ % KINDS.length] ?? 'closes'
  const socket = connect({ port: Number(port), host: '127.0.0.1' })
  socket.on('error', () => {})
  socket.on('close', () => { left++ })
  socket.write(kind === 'server-sent'
    ? `GET /api/events HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n\r\n`
    : `GET /ws/events HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n`)
  let bytes = 0
  socket.on('data', (chunk) => {
    if (bytes === 0 && !/^HTTP\/1\.1 (?:101|200) /.test(chunk.toString('latin1', 0, 13))) throw new Error(chunk.toString('latin1'))
    bytes += chunk.length
    // More than the answer's head: the snapshot has begun.
    if (bytes < 1_000) return
    if (kind === 'closes') socket.end(CLOSE)
    else socket.destroy()
  })
}

process.on('message', () => { stopped = true })
setInterval(visit, MINUTE_MS / Number(perMinute))
setInterval(() => process.send?.({ come, left, stopped }), REPORT_MS)
