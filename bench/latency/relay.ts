// A process of its own, what the server is compared to: MQTT.js, subscribed at QoS 1, sends each payload to every client of a bare
// `ws` server as it came. Tells `{ ready }` when it is subscribed and listens.
import mqtt from 'mqtt'
import { WebSocketServer } from 'ws'

const [url = '', protocol = '', port = ''] = process.argv.slice(2)
const server = new WebSocketServer({ port: Number(port), host: '127.0.0.1', perMessageDeflate: false })
const client = await mqtt.connectAsync(url, { protocolVersion: protocol === '5' ? 5 : 4, clean: true, clientId: 'relay' })
client.on('message', (_topic, payload) => {
  for (const socket of server.clients) socket.send(payload, { binary: false })
})
client.on('close', () => process.exit(1))
await client.subscribeAsync('sensors/+/telemetry', { qos: 1 })
process.send?.({ ready: true })
