// How the connection presents itself at the broker: its name, session, last will, and the topic that says whether the application is there.
import type { IClientOptions, IClientPublishOptions } from 'mqtt'
import { commonOptions } from './client-options'
import type { Access } from './client-options'

/** Larger packets are withheld by an MQTT 5 broker; smaller ones that are still too large are rejected visibly. */
const MAX_PACKET_BYTES = 33_554_432
/** A user property: who has published it. Where two installations publish below one root, each sees that it is not its own. */
export const INSTALLATION_PROPERTY = 'installation'

export interface ConnectionOptions extends Omit<Access, 'clientId'> {
  url: string
  embedded: boolean
  /** The name of the session, and that of the installation; asked for at each attempt. */
  clientId: () => string
  installation: () => string
  sessionExpirySeconds: () => number
  /** What we publish lies below it. */
  root: string
  /** Whose session it is that the broker holds; undefined: always ours. */
  ownership?: Ownership
  receiveMaximum: number
  /** What must be granted, and what is asked for afterwards, one by one: nothing waits for that. */
  filters: readonly string[]
  furtherFilters: readonly string[]
  /** Whether somebody looks at the `traceparent` of messages. */
  wantsTraceparent: boolean
  /** One of several applications that share the messages (`$share/…`): each is delivered to one of them. */
  replica?: {
    shareName: string
    /** The name of its session; another one after another replica has taken that. */
    session: () => string
    /** A name that no other has, while nothing can be stored. */
    passing: () => string
    /** It is to take only what waits in its session, and nothing new. */
    isLeaving?: boolean
  }
}

/** A session that somebody else has made is left as it is: what waits there is not ours. */
export interface Ownership {
  isOurs: (clientId: string) => boolean
  /** It is from now on; resolves when that is noted. */
  claim: (clientId: string) => Promise<void>
  /** It is somebody else's: from now on another name is used. */
  giveWay: () => Promise<void>
  /** For how long it is to stay, as far as we know. */
  expirySeconds: number
}

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
