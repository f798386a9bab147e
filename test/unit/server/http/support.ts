import { once } from 'node:events'
import { connect } from 'node:net'
import type { Socket } from 'node:net'
import { onTestFinished } from 'vitest'

export interface RawClient {
  socket: Socket
  send: (text: string) => void
  /** All that was said until the other side ended the connection. */
  ended: Promise<string>
}

/** A client below any library, which can say what no library would. Gone when the test ends. */
export async function connectRaw(port: number, said = ''): Promise<RawClient> {
  const socket = connect(port, '127.0.0.1')
  let heard = ''
  socket.setEncoding('utf8').on('data', (text) => { heard += String(text) })
  // A connection may be cut while we still speak.
  socket.on('error', () => {})
  const ended = once(socket, 'close').then(() => heard)
  onTestFinished(() => void socket.destroy())
  await once(socket, 'connect')
  if (said) socket.write(said)
  return { socket, ended, send: text => void socket.write(text) }
}

/** A GET as it goes over the wire. */
export function request(path: string, headers: Record<string, string> = {}, method = 'GET'): string {
  const lines = Object.entries({ Host: 'localhost', ...headers }).map(([name, value]) => `${name}: ${value}\r\n`)
  return `${method} ${path} HTTP/1.1\r\n${lines.join('')}\r\n`
}

export const UPGRADE = { 'Upgrade': 'websocket', 'Connection': 'Upgrade', 'Sec-WebSocket-Version': '13', 'Sec-WebSocket-Key': `${'A'.repeat(22)}==` }
