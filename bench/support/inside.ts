// Preloaded into a server: told `{ look: true }` it collects all garbage and tells what is left, as `{ inside }`; told `{ usage: true }`, what it
// has used of the processor so far, as `{ usage }`. Until then it does nothing but count collections of garbage.
import { Socket } from 'node:net'
import { constants, performance, PerformanceObserver } from 'node:perf_hooks'
import { queryObjects } from 'node:v8'

// The class of timers has no public name.
const timer = setTimeout(() => {}, 0)
clearTimeout(timer)
const TIMER: unknown = timer.constructor

function count(constructor: unknown): number {
  return typeof constructor === 'function' ? queryObjects(constructor, { format: 'count' }) : Number.NaN
}

const young = { pauses: 0, pauseMs: 0 }
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) {
    const detail: unknown = Reflect.get(entry, 'detail')
    if (typeof detail !== 'object' || detail === null || !('kind' in detail) || detail.kind !== constants.NODE_PERFORMANCE_GC_MINOR) continue
    young.pauses++
    young.pauseMs += entry.duration
  }
}).observe({ entryTypes: ['gc'] })

process.on('message', (message) => {
  if (typeof message !== 'object' || message === null) return
  if ('usage' in message) {
    const ms = ({ user, system }: NodeJS.CpuUsage) => (user + system) / 1_000
    process.send?.({ usage: { loopMs: ms(process.threadCpuUsage()), cpuMs: ms(process.cpuUsage()), atMs: performance.now(), ...young } })
  }
  if (!('look' in message)) return
  const [timers, sockets] = [count(TIMER), count(Socket)]
  process.send?.({ inside: { timers, sockets, heapBytes: process.memoryUsage().heapUsed } })
})
process.channel?.unref()
