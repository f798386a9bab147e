// A process of its own: publishes a fixed number of messages a second at QoS 1, paced by the millisecond, each with the moment it
// is sent. Half of them come from ten busy devices, so that some is always due to be packed, the rest from a thousand in turn.
// Told `{ stop: true }`; tells `{ sent, acknowledged }`.
import { connect } from 'node:net'
import { connectPacket, createPackets } from '../support/packets.ts'
import { stampText } from '../support/stamp.ts'

const DEVICES = 1_000
const BUSY = 10
/** Different sets of values per device. */
const VARIANTS = 16
const REPORT_MS = 50
/** CONNACK and PUBACK of MQTT 3.1.1 alike. */
const ANSWER_BYTES = 4

const [port = '', rate = ''] = process.argv.slice(2)
const packets = createPackets({ devices: DEVICES, variants: VARIANTS, stamped: true })
const perMs = Number(rate) / 1_000
let begin: number | undefined
let sent = 0
let answered = 0
let stopped = false

const socket = connect({ port: Number(port), host: '127.0.0.1', noDelay: true })
socket.write(connectPacket('publisher'))
socket.on('data', (chunk) => {
  begin ??= performance.now()
  answered += chunk.length / ANSWER_BYTES
})
socket.on('close', () => process.exit(1))

function publish() {
  if (begin === undefined || stopped) return
  const due = Math.floor((performance.now() - begin) * perMs) - sent
  if (due <= 0) return
  const out = Buffer.allocUnsafe(due * packets.bytes)
  const [time, stamp] = [new Date().toISOString(), stampText()]
  for (let i = 0; i < due; i++) packets.write(out, i * packets.bytes, { index: packetOf(sent), packetId: 1 + sent++ % 65_535, time, stamp })
  socket.write(out)
}

function packetOf(message: number): number {
  const turn = Math.floor(message / 2)
  const device = turn % (message % 2 === 0 ? BUSY : DEVICES)
  return device + DEVICES * (turn % VARIANTS)
}

process.on('message', () => { stopped = true })
setInterval(publish, 1)
setInterval(() => process.send?.({ sent, acknowledged: Math.max(0, Math.floor(answered) - 1), stopped }), REPORT_MS)
