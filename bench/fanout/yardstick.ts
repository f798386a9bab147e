// A process of its own, what the server is compared to: a bare `ws` server that sends ready bytes to every client, one `send` per
// client and frame. A frame is as large as the server's, with one event or a batch of them. Tells `{ ready }`; see `pace.ts`.
import type { StreamEvent } from '#shared/schemas/events'
import { WebSocketServer } from 'ws'
import { createStamps, NO_STAMP, STAMP } from '../support/stamp.ts'
import { keepPace } from './pace.ts'

const [port = '', batch = ''] = process.argv.slice(2)
const eventsPerFrame = Number(batch)
const nextStamp = createStamps()
const TIME = '2026-01-01T12:00:00.000Z'
const telemetry = { deviceId: 'bench-0001', ts: TIME, metrics: { tempC: 21.34, humidity: 55.67, powerW: 512.3 }, receivedAt: TIME }
// Stamps have more digits than a script should write as a number.
const data = JSON.stringify(telemetry).replace('},"receivedAt"', `,"${STAMP}":${NO_STAMP}},"receivedAt"`)
const single = `{"type":"${'telemetry' satisfies StreamEvent['type']}","data":${data}}`
const BATCH_HEAD = `{"type":"${'batch' satisfies StreamEvent['type']}","id":"Zm9vYmFy.1000000","data":[`

const server = new WebSocketServer({ port: Number(port), host: '127.0.0.1', perMessageDeflate: false })
server.on('connection', socket => socket.on('error', () => process.exit(1)))
let waiting: string[] = []

function broadcast() {
  if (waiting.length === 0) return
  const text = eventsPerFrame > 1 ? `${BATCH_HEAD}${waiting.join()}]}` : waiting.join()
  waiting = []
  const bytes = Buffer.from(text)
  for (const client of server.clients) client.send(bytes, { binary: false })
}

server.on('listening', () => {
  process.send?.({ ready: true })
  keepPace(1, (messages) => {
    for (let i = 0; i < messages; i++) {
      waiting.push((eventsPerFrame > 1 ? data : single).replace(NO_STAMP, nextStamp()))
      if (waiting.length >= eventsPerFrame) broadcast()
    }
  }, broadcast)
})
