import { connect } from 'node:net'

/** Told of each complete frame: its payload is `bytes` from `from` to `to`. */
export type OnFrame = (bytes: Buffer, from: number, to: number) => void

const PING = 0x89
/** An empty one, masked with nothing. */
const PONG = Buffer.from([0x8A, 0x80, 0, 0, 0, 0])

/**
 * A client of an event stream on a bare socket: it takes everything, and the cost is what `onFrame` makes of it. It answers pings, for
 * else it would be taken for dead. Ends the process with the stream. `token` is needed where there are accounts.
 */
export function openStream(port: number, onOpen: () => void, onFrame: OnFrame, path = '/ws/events', token = '') {
  let rest: Buffer = Buffer.alloc(0)
  let upgraded = false
  const socket = connect({ port, host: '127.0.0.1' })
  socket.write(`GET ${path} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n${token && `Authorization: Bearer ${token}\r\n`}\r\n`)
  socket.on('close', () => process.exit(1))
  socket.on('data', (chunk) => {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk])
    if (!upgraded && !skipAnswer()) return
    let at = 0
    for (let end = frameEnd(at); end !== undefined; end = frameEnd(at)) at = end
    rest = rest.subarray(at)
  })

  function skipAnswer(): boolean {
    const end = rest.indexOf('\r\n\r\n')
    if (end < 0) return false
    if (!rest.toString('latin1', 0, 12).endsWith(' 101')) process.exit(1)
    rest = rest.subarray(end + 4)
    upgraded = true
    onOpen()
    return true
  }

  /** Where the frame at `at` ends, or undefined when it is not complete; frames of a server are not masked. */
  function frameEnd(at: number): number | undefined {
    if (rest.length < at + 10 && rest.length < at + 2 + ((rest[at + 1] ?? 127) < 126 ? 0 : 8)) return undefined
    const short = rest[at + 1] ?? 0
    const head = short < 126 ? 2 : short === 126 ? 4 : 10
    const length = short < 126 ? short : short === 126 ? rest.readUInt16BE(at + 2) : Number(rest.readBigUInt64BE(at + 2))
    const end = at + head + length
    if (rest.length < end) return undefined
    if (rest[at] === PING) socket.write(PONG)
    else onFrame(rest, at + head, end)
    return end
  }
}
