// A process of its own, what the server is compared to: MQTT.js, subscribed, counts and does nothing else.
// Tells `{ received }`, from when it is subscribed.
import mqtt from 'mqtt'

const REPORT_MS = 20

const [url = '', protocol = '', receiveMaximum = '', qos = ''] = process.argv.slice(2)
let received = 0
const client = await mqtt.connectAsync(url, {
  protocolVersion: protocol === '5' ? 5 : 4,
  clean: true,
  clientId: 'yardstick',
  ...(protocol === '5' && { properties: { receiveMaximum: Number(receiveMaximum) } }),
})
client.on('message', () => { received++ })
client.on('close', () => process.exit(1))
await client.subscribeAsync('sensors/+/telemetry', { qos: qos === '0' ? 0 : 1 })
setInterval(() => process.send?.({ received }), REPORT_MS)
