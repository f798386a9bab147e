import { connect } from 'node:tls'
import { addressOf } from './tcp-probe'

const TIMEOUT_MS = 3_000

/** Whether TLS is spoken at an address: a handshake alone, without a word of MQTT and without trusting what it shows. */
export function speaksTls(url: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ ...addressOf(url), rejectUnauthorized: false, timeout: TIMEOUT_MS })
    const end = (speaks: boolean) => {
      socket.destroy()
      resolve(speaks)
    }
    socket.once('secureConnect', () => end(true))
    // To refuse us by an alert is to speak it.
    socket.once('error', error => end('code' in error && /ALERT/.test(String(error.code))))
    socket.once('timeout', () => end(false))
    socket.once('close', () => end(false))
  })
}
