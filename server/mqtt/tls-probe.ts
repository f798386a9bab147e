import { connect } from 'node:tls'
import { addressOf } from './tcp-probe'

const TIMEOUT_MS = 3_000

/** Whether a server speaks TLS at an address: only a handshake, no MQTT, and its certificate is not trusted. */
export function speaksTls(url: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ ...addressOf(url), rejectUnauthorized: false, timeout: TIMEOUT_MS })
    const end = (speaks: boolean) => {
      socket.destroy()
      resolve(speaks)
    }
    socket.once('secureConnect', () => end(true))
    // A refusal by an alert is TLS, too.
    socket.once('error', error => end('code' in error && /ALERT/.test(String(error.code))))
    socket.once('timeout', () => end(false))
    socket.once('close', () => end(false))
  })
}
