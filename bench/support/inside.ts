// Preloaded into a server: told `{ look: true }` it collects all garbage and tells what is left, as `{ inside }`; told
// `{ usage: true }`, the CPU time it has used so far, as `{ usage }`. Until then it does nothing.
import { Socket } from 'node:net'
import { queryObjects } from 'node:v8'

// The class of timers has no public name.
const timer = setTimeout(() => {}, 0)
clearTimeout(timer)
const TIMER: unknown = timer.constructor

function count(constructor: unknown): number {
  return typeof constructor === 'function' ? queryObjects(constructor, { format: 'count' }) : Number.NaN
}

process.on('message', (message) => {
  if (typeof message !== 'object' || message === null) return
  if ('usage' in message) {
    const ms = ({ user, system }: NodeJS.CpuUsage) => (user + system) / 1_000
    process.send?.({ usage: { loopMs: ms(process.threadCpuUsage()), cpuMs: ms(process.cpuUsage()), atMs: performance.now() } })
  }
  if (!('look' in message)) return
  const [timers, sockets] = [count(TIMER), count(Socket)]
  process.send?.({ inside: { timers, sockets, heapBytes: process.memoryUsage().heapUsed } })
})
process.channel?.unref()
