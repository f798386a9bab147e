// The connection's options: its name, session, last will, and status topic.
import type { IClientOptions, IClientPublishOptions } from 'mqtt'
import { commonOptions } from './client-options'
import type { Access } from './client-options'

/** An MQTT 5 broker withholds larger packets; smaller ones that are still too large are rejected visibly. */
const MAX_PACKET_BYTES = 33_554_432
/**
 * A user property with the publisher's name. If two installations publish below one root, each can recognise the
 * other.
 */
export const INSTALLATION_PROPERTY = 'installation'

export interface ConnectionOptions extends Omit<Access, 'clientId'> {
  url: string
  embedded: boolean
  /** The name of the session, and that of the installation; read on each attempt. */
  clientId: () => string
  installation: () => string
  sessionExpirySeconds: () => number
  /** Our own topics are below it. */
  root: string
  /** Whose session the broker holds; undefined: always ours. */
  ownership?: Ownership
  receiveMaximum: number
  /** What must be granted, and what is asked for afterwards, one by one: nothing waits for that. */
  filters: readonly string[]
  furtherFilters: readonly string[]
  /** Whether the `traceparent` of messages is used. */
  wantsTraceparent: boolean
  /** One of several applications that share the messages (`$share/…`): each message goes to one of them. */
  replica?: {
    shareName: string
    /** The name of its session; another one after another replica has taken that. */
    session: () => string
    /** A unique name, while nothing can be stored. */
    passing: () => string
    /** It takes only what waits in its session, and nothing new. */
    isLeaving?: boolean
  }
}

/** A session that another installation made is left unchanged: its messages are not ours. */
export interface Ownership {
  isOurs: (clientId: string) => boolean
  /** It is ours from now on; resolves when that is stored. */
  claim: (clientId: string) => Promise<void>
  /** It belongs to another installation: from now on another name is used. */
  giveWay: () => Promise<void>
  /** Its expiry, as far as known. */
  expirySeconds: number
}

/** `durable`: the persistent session whose messages are stored; otherwise a temporary one that only inspects. */
export function sessionOptions(options: ConnectionOptions, protocolVersion: 4 | 5, durable: boolean): IClientOptions {
  const mqtt5 = {
    sessionExpiryInterval: durable ? options.sessionExpirySeconds() : 0,
    receiveMaximum: options.receiveMaximum,
    maximumPacketSize: MAX_PACKET_BYTES,
  }
  const status = statusOptions(options, protocolVersion)
  return {
    ...commonOptions({ ...options, clientId: clientIdOf(options, durable) }, protocolVersion),
    clientId: clientIdOf(options, durable),
    clean: !durable,
    will: { topic: statusTopicOf(options, durable), payload: Buffer.from('offline'), ...status },
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
