import { CHANNELS } from './channels'
import type { Channel, Message } from './channels'
import { describeSchemas } from './json-schemas'
import { referredSchemas, schemaRef } from './components'
import type { JsonSchemas } from './components'
import { INFO, LICENCE } from './info'

const JSON_TYPE = 'application/json'

/** AsyncAPI knows no address relative to the document, so the hosts are variables. */
const SERVERS = {
  broker: {
    host: '{broker}',
    protocol: 'mqtt',
    description: 'The MQTT broker (3.1.1 or 5.0) that devices publish to.',
    variables: { broker: { default: 'localhost:1883', description: 'Host and port of the broker.' } },
  },
  web: {
    host: '{leitstand}',
    pathname: '/',
    protocol: 'ws',
    description: 'The application, wherever this document comes from; `wss` behind TLS.',
    variables: { leitstand: { default: 'localhost:3000', description: 'Host and port of the application.' } },
  },
}

const DEVICE_ID = { description: 'Name of the device.', examples: ['gate-001'] }

/** The MQTT topics and the event stream as an AsyncAPI 3.0 document; `baseURL` is what the addresses of the application lie below. */
export function asyncApiDocument(baseURL = '/') {
  const channels: [string, Channel][] = Object.entries(CHANNELS)
  // AsyncAPI 3.0 reads schemas as draft 07.
  const schemas = describeSchemas('draft-07')
  const described = Object.fromEntries(channels.map(([id, channel]) => [id, describeChannel(channel, schemas)]))
  const messages = Object.fromEntries(channels.flatMap(([, { receives, sends }]) => [...receives, ...sends].map(message => [message.name, describeMessage(message)])))
  return {
    asyncapi: '3.0.0',
    info: { ...INFO, license: { name: LICENCE } },
    defaultContentType: JSON_TYPE,
    servers: { ...SERVERS, web: { ...SERVERS.web, pathname: baseURL.replace(/(?<=.)\/$/, '') } },
    channels: described,
    operations: Object.fromEntries(channels.flatMap(([id, channel]) => describeOperations(id, channel))),
    components: {
      messages,
      parameters: { deviceId: DEVICE_ID },
      schemas: referredSchemas([described, messages], schemas),
    },
  }
}

function describeMessage({ name, summary, example, contentType = JSON_TYPE }: Message) {
  return { name, summary, contentType, payload: schemaRef(name), examples: [{ payload: example }] }
}

function describeChannel({ address, server, summary, receives, sends, query }: Channel, schemas: JsonSchemas) {
  return {
    address,
    summary,
    servers: [{ $ref: `#/servers/${server}` }],
    messages: Object.fromEntries([...receives, ...sends].map(({ name }) => [name, { $ref: `#/components/messages/${name}` }])),
    ...(address.includes('{deviceId}') && { parameters: { deviceId: { $ref: '#/components/parameters/deviceId' } } }),
    ...(server === 'web' && { bindings: { ws: { method: 'GET', ...(query && { query: schemas[query] }), bindingVersion: '0.1.0' } } }),
  }
}

/** `receiveTelemetry`, `sendEvents`, ...: named from the application's side, as AsyncAPI asks. */
function describeOperations(id: string, { summary, receives, sends, server, retained = false }: Channel): [string, object][] {
  const describe = (action: 'receive' | 'send', messages: readonly Message[]): [string, object][] => messages.length === 0
    ? []
    : [[`${action}${id.charAt(0).toUpperCase()}${id.slice(1)}`, {
        action,
        summary,
        channel: { $ref: `#/channels/${id}` },
        messages: messages.map(({ name }) => ({ $ref: `#/channels/${id}/messages/${name}` })),
        ...(server === 'broker' && { bindings: { mqtt: { qos: 1, ...(action === 'send' && { retain: retained }), bindingVersion: '0.2.0' } } }),
      }]]
  return [...describe('receive', receives), ...describe('send', sends)]
}
