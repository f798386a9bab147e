// A process of its own, what the server is compared to: MQTT.js, subscribed, which reads when each message was sent and does nothing else.
// Tells `{ ready }`; told `{ take: true }` it tells how long messages took since the last time, as `{ latencies }`.
import mqtt from 'mqtt'
import { createHistogram } from '../latency/histogram.ts'
import { readStampAt, STAMP } from '../support/stamp.ts'

const BEFORE = Buffer.from(`"${STAMP}":`)
const [url = '', qos = '', receiveMaximum = '', bucketUs = ''] = process.argv.slice(2)
const histogram = createHistogram(Number(bucketUs))
const client = await mqtt.connectAsync(url, { protocolVersion: 5, clean: true, clientId: 'bare', properties: { receiveMaximum: Number(receiveMaximum) } })
client.on('message', (_topic, payload) => {
  const at = payload.indexOf(BEFORE)
  if (at >= 0) histogram.add(histogram.now() - readStampAt(payload, at + BEFORE.length))
})
client.on('close', () => process.exit(1))
await client.subscribeAsync('sensors/+/telemetry', { qos: qos === '0' ? 0 : 1 })
process.on('message', (message) => {
  if (typeof message === 'object' && message !== null && 'take' in message) process.send?.({ latencies: histogram.take() })
})
process.send?.({ ready: true })
