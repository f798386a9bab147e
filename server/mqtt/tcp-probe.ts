import { connect } from 'node:net'

const TIMEOUT_MS = 3_000
const DEFAULT_PORTS: Record<string, number> = { 'mqtt:': 1883, 'mqtts:': 8883, 'ws:': 80, 'wss:': 443 }

/** Host and port of the broker's address. */
export function addressOf(url: string): { host: string, port: number } {
  const { protocol, hostname, port } = new URL(url)
  return { host: hostname.replace(/^\[|\]$/g, ''), port: Number(port) || (DEFAULT_PORTS[protocol] ?? 1883) }
}

/** Whether a server listens at an address: only a connection, no data. */
export function isListening(url: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ ...addressOf(url), timeout: TIMEOUT_MS })
    const end = (listens: boolean) => {
      socket.destroy()
      resolve(listens)
    }
    socket.once('connect', () => end(true))
    socket.once('error', () => end(false))
    socket.once('timeout', () => end(false))
  })
}
