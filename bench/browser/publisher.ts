// A process of its own: publishes a fixed number of messages a second at QoS 1, paced by the millisecond, of so many devices in
// turn, each with the moment it is sent. Tells `{ sent }`, how many it has sent.
import mqtt from 'mqtt'
import { shortStamp, STAMP_METRIC } from './stamp.ts'

const REPORT_MS = 100

const [url = '', rate = '', devices = ''] = process.argv.slice(2)
const perMs = Number(rate) / 1_000
const client = await mqtt.connectAsync(url, { protocolVersion: 4 })
const begin = performance.now()
let sent = 0

function publish() {
  for (let due = Math.floor((performance.now() - begin) * perMs) - sent; due > 0; due--) {
    const device = sent % Number(devices)
    const swing = Math.sin(sent / 700)
    const metrics = { [STAMP_METRIC]: shortStamp(), tempC: Number((21 + swing).toFixed(2)), humidity: Number((55 + swing).toFixed(1)) }
    client.publish(`sensors/bench-${String(device).padStart(5, '0')}/telemetry`, JSON.stringify({ metrics }), { qos: 1 })
    sent++
  }
}

client.on('close', () => process.exit(1))
setInterval(publish, 1)
setInterval(() => process.send?.({ sent }), REPORT_MS)
