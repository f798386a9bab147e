// A process of its own: the yardstick, a bare `node:http` server that sends the bytes it has once got from an address.
import { createServer } from 'node:http'

const [port = '', source = ''] = process.argv.slice(2)
const bytes = Buffer.from(await (await fetch(source)).arrayBuffer())
const head = { 'content-type': 'application/json', 'content-length': bytes.length }
const server = createServer((_, response) => {
  response.writeHead(200, head)
  response.end(bytes)
})
server.listen(Number(port), '127.0.0.1', () => process.send?.({ ready: true }))
