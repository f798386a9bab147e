// A process of its own: asks one address again and again over connections that stay open, one question at a time on each.
// Tells `{ ready }` after the first answer; told `{ take: true }` it tells what has come since the last time, as `{ answers }`.
import { connect } from 'node:net'
import { summary } from '../latency/latencies.ts'
import { nowUs } from '../support/stamp.ts'

const HEAD_END = '\r\n\r\n'

const [port = '', connections = '', expected = '', etag = ''] = process.argv.slice(2)
const request = `GET /api/sensors HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n${etag && `If-None-Match: ${etag}\r\n`}\r\n`
let noted: number[] = []
let bytes = 0

function ask() {
  const socket = connect({ port: Number(port), host: '127.0.0.1', noDelay: true })
  let head = ''
  // Of the body, still to come; undefined while the head is not complete.
  let missing: number | undefined
  let asked = 0

  function next() {
    head = ''
    missing = undefined
    asked = nowUs()
    socket.write(request)
  }

  function readHead(chunk: Buffer): number {
    const before = head.length
    head += chunk.toString('latin1', 0, 2_000)
    const end = head.indexOf(HEAD_END)
    if (end < 0) return chunk.length
    if (!head.startsWith(`HTTP/1.1 ${expected}`)) fail(head.slice(0, end))
    missing = Number(/content-length: (\d+)/i.exec(head)?.[1] ?? 0)
    return end + HEAD_END.length - before
  }

  socket.on('connect', next)
  socket.on('data', (chunk) => {
    bytes += chunk.length
    const from = missing === undefined ? readHead(chunk) : 0
    if (missing === undefined) return
    missing -= chunk.length - from
    if (missing > 0) return
    if (noted.push(nowUs() - asked) === 1) process.send?.({ ready: true })
    next()
  })
  socket.on('close', () => fail('The connection was closed.'))
}

function fail(reason: string): never {
  process.stderr.write(`${reason}\n`)
  process.exit(1)
}

process.on('message', () => {
  process.send?.({ answers: { ...summary(noted), bytes } })
  noted = []
  bytes = 0
})
for (let i = 0; i < Number(connections); i++) ask()
