// A process of its own: asks a few addresses, one after the other and a fixed number a second, over a connection that stays open.
// Tells `{ ready }` after the first answer; told `{ take: true }` it tells how long each took since the last time, as `{ taken }`.
import { Agent, get } from 'node:http'
import { nowUs } from '../support/stamp.ts'

const EVERY_MS = 10
const PATHS = ['/api/presence', '/api/sensors?limit=20', '/api/site']

const [port = '', token = ''] = process.argv.slice(2)
const agent = new Agent({ keepAlive: true, maxSockets: 4 })
let taken: number[] = []
let asked = 0

function ask() {
  const begin = nowUs()
  const path = PATHS[asked++ % PATHS.length] ?? '/'
  get({ port: Number(port), host: '127.0.0.1', path, agent, headers: { authorization: `Bearer ${token}` } }, (answer) => {
    if (answer.statusCode !== 200) throw new Error(`${path} was answered with ${answer.statusCode}.`)
    answer.resume().on('end', () => {
      if (taken.push(nowUs() - begin) === 1) process.send?.({ ready: true })
    })
  })
}

setInterval(ask, EVERY_MS)
process.on('message', () => {
  process.send?.({ taken })
  taken = []
})
