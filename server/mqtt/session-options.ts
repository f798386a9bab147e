// How the connection presents itself at the broker: its name, session, last will, and the topic that says whether the application is there.
import type { IClientOptions, IClientPublishOptions } from 'mqtt'
import { commonOptions } from './client-options'
import type { ConnectionOptions } from './connection'

/** Larger packets are withheld by an MQTT 5 broker; smaller ones that are still too large are rejected visibly. */
const MAX_PACKET_BYTES = 33_554_432
/** A user property: who has published it. Where two installations publish below one root, each sees that it is not its own. */
export const INSTALLATION_PROPERTY = 'installation'

/** `durable`: the persistent session whose messages are stored; else a passing one that only looks. */
export function sessionOptions(options: ConnectionOptions, protocolVersion: 4 | 5, durable: boolean): IClientOptions {
  const mqtt5 = {
    sessionExpiryInterval: durable ? options.sessionExpirySeconds() : 0,
    receiveMaximum: options.receiveMaximum,
    maximumPacketSize: MAX_PACKET_BYTES,
  }
  const said = statusOptions(options, protocolVersion)
  return {
    ...commonOptions({ ...options, clientId: clientIdOf(options, durable) }, protocolVersion),
    clientId: clientIdOf(options, durable),
    clean: !durable,
    will: { topic: statusTopicOf(options, durable), payload: Buffer.from('offline'), ...said },
    ...(protocolVersion === 5 && { properties: mqtt5 }),
  }
}

/** How `online` and `offline` are published. */
export function statusOptions({ installation }: Pick<ConnectionOptions, 'installation'>, protocolVersion: 4 | 5) {
  return {
    qos: 1,
    retain: true,
    ...(protocolVersion === 5 && { properties: { userProperties: { [INSTALLATION_PROPERTY]: installation() } } }),
  } as const satisfies IClientPublishOptions
}

export function clientIdOf({ clientId, replica }: ConnectionOptions, durable: boolean): string {
  if (replica) return durable ? replica.session() : replica.passing()
  return durable ? clientId() : `${clientId()}-live`
}

/** Retained `online`, last will `offline`. */
export function statusTopic(root: string, replica?: string): string {
  return replica === undefined ? `${root}/status` : `${root}/status/${replica}`
}

export function statusTopicOf(options: ConnectionOptions, durable: boolean): string {
  return statusTopic(options.root, options.replica && clientIdOf(options, durable))
}
