import type { IClientOptions } from 'mqtt'

const CONNECT_TIMEOUT_MS = 5_000
const KEEPALIVE_SECONDS = 15

/** How a broker is reached. */
export interface Access {
  username: string
  password: string
  clientId: string
  /** PEM texts, not file names. */
  tls: { ca?: string, cert?: string, key?: string }
}

/** Common options of all our connections: one attempt, and nothing that MQTT.js does by itself. */
export function commonOptions({ username, password, tls }: Access, protocolVersion: 4 | 5): IClientOptions {
  return {
    protocolVersion,
    resubscribe: false,
    reconnectPeriod: 0,
    connectTimeout: CONNECT_TIMEOUT_MS,
    keepalive: KEEPALIVE_SECONDS,
    // Its log, several lines per packet, is not used.
    log() {},
    ...(username && { username }),
    ...(password && { password }),
    ...tls,
  }
}
