// A process of its own: publishes at QoS 1, all devices in turn, paced by the millisecond; each message has the moment it is sent and
// three numbers. Told `{ rate }`, messages a second from now on; tells `{ ready, sent }`.
import { connect } from 'node:net'
import { connectPacket, createPackets } from './packets.ts'
import { stampText } from './stamp.ts'

/** Different sets of values per device. */
const VARIANTS = 4
const REPORT_MS = 20
/** CONNACK and PUBACK of MQTT 3.1.1 alike. */
const ANSWER_BYTES = 4
/** Messages that the broker may not have acknowledged yet: beyond it the publisher waits. */
const AHEAD = 5_000

const [port = '', devices = ''] = process.argv.slice(2)
const packets = createPackets({ devices: Number(devices), variants: VARIANTS, stamped: true })
let perMs = 0
let last = performance.now()
let due = 0
let sent = 0
let answered = -1
let bytes = 0

const socket = connect({ port: Number(port), host: '127.0.0.1', noDelay: true })
socket.write(connectPacket('fleet'))
socket.on('data', (chunk) => {
  bytes += chunk.length
  answered = Math.floor(bytes / ANSWER_BYTES) - 1
})
socket.on('close', () => process.exit(1))

function publish() {
  const now = performance.now()
  // What could not be sent in time is made up for, but not without end.
  due = Math.min(due + (now - last) * perMs, AHEAD)
  last = now
  const count = answered < 0 ? 0 : Math.min(Math.floor(due), AHEAD - (sent - answered))
  if (count <= 0) return
  due -= count
  const out = Buffer.allocUnsafe(count * packets.bytes)
  const [time, stamp] = [new Date().toISOString(), stampText()]
  for (let i = 0; i < count; i++) packets.write(out, i * packets.bytes, { index: sent, packetId: 1 + sent++ % 65_535, time, stamp })
  socket.write(out)
}

process.on('message', (message) => {
  if (typeof message !== 'object' || message === null || !('rate' in message)) return
  perMs = Number(message.rate) / 1_000
  if (perMs === 0) due = 0
})
setInterval(publish, 1)
setInterval(() => process.send?.({ ready: answered >= 0, sent }), REPORT_MS)
