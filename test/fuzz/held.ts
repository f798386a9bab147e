// Preloaded into a server: told `{ look: true }` it collects all garbage and tells the bytes that are left, as `{ held }`.
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

setFlagsFromString('--expose-gc')
const collect: unknown = runInNewContext('gc')

process.on('message', (message) => {
  if (typeof message !== 'object' || message === null || !('look' in message) || typeof collect !== 'function') return
  collect()
  const { heapUsed, external } = process.memoryUsage()
  process.send?.({ held: heapUsed + external })
})
process.channel?.unref()
