// A process of its own: publishes what the server fans out, at QoS 1 unless told otherwise; see `pace.ts`.
import { connect } from 'node:net'
import { connectPacket, createPackets } from '../support/packets.ts'
import { createStamps } from '../support/stamp.ts'
import { keepPace } from './pace.ts'

const BURST = 50

const [port = '', qos = '1', devices = '1000'] = process.argv.slice(2)
const packets = createPackets({ devices: Number(devices), variants: 16, qos: qos === '0' ? 0 : 1, stamped: true })
const nextStamp = createStamps()
let sent = 0

const socket = connect({ port: Number(port), host: '127.0.0.1', noDelay: true })
socket.write(connectPacket('publisher'))
socket.resume()
socket.on('close', () => process.exit(1))

socket.once('data', () => keepPace(BURST, (messages) => {
  const out = Buffer.allocUnsafe(messages * packets.bytes)
  const time = new Date().toISOString()
  for (let i = 0; i < messages; i++) packets.write(out, i * packets.bytes, { index: sent, packetId: 1 + sent++ % 65_535, time, stamp: nextStamp() })
  socket.write(out)
}))
