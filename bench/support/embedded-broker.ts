// A process of its own with the broker that the application has inside, for machines without a Mosquitto.
import { startEmbeddedBroker } from '../../server/mqtt/embedded-broker.ts'

const [port = ''] = process.argv.slice(2)
await startEmbeddedBroker(Number(port))
// Its parent ends it.
process.on('message', () => {})
