import { readdirSync, readFileSync } from 'node:fs'
import { z } from 'zod'
import { startWorker } from '../support/child.ts'
import type { Worker, WorkerOptions } from '../support/child.ts'
import { until } from '../support/until.ts'

const INSIDE = new URL('../support/inside.ts', import.meta.url).href
/** Linux reports CPU time in hundredths of a second. */
const TICKS_PER_SECOND = 100

/** What a process has used since its start. */
const UsageSchema = z.object({
  /** CPU time of the thread with its event loop: as long as it has a processor to itself, the time in which it is at work. */
  loopMs: z.number(),
  /** Of all its threads. */
  cpuMs: z.number(),
  /** Its own clock. */
  atMs: z.number(),
  /** Collections of V8's young generation, and how long they took together. */
  pauses: z.number(),
  pauseMs: z.number(),
})
export type Usage = z.infer<typeof UsageSchema>
const HeapSchema = z.object({ heapBytes: z.number() })

/** What has to be preloaded so that a process can be asked. */
export const ASKABLE = ['--import', INSIDE]

/** Asks a process of Node from outside; `onMessage` has to hear what it says. */
export function createInquiry() {
  let usage: Usage | undefined
  let heapBytes: number | undefined
  return {
    onMessage(message: object) {
      if ('usage' in message) usage = UsageSchema.parse(message.usage)
      if ('inside' in message) heapBytes = HeapSchema.parse(message.inside).heapBytes
    },
    async usage(worker: Pick<Worker, 'send' | 'failed'>): Promise<Usage> {
      usage = undefined
      worker.send({ usage: true })
      await Promise.race([until(() => usage !== undefined, 1), worker.failed])
      return UsageSchema.parse(usage)
    },
    /** Of its heap, garbage collected. */
    async heapBytes(worker: Pick<Worker, 'send' | 'failed'>): Promise<number> {
      heapBytes = undefined
      worker.send({ look: true })
      await Promise.race([until(() => heapBytes !== undefined, 1), worker.failed])
      return z.number().parse(heapBytes)
    },
  }
}

/** A Node script that can be asked what it has used. */
export function startAskable(script: string, options: WorkerOptions) {
  const inquiry = createInquiry()
  const worker = startWorker(script, {
    ...options,
    nodeArgs: ASKABLE,
    onMessage(message) {
      inquiry.onMessage(message)
      options.onMessage?.(message)
    },
  })
  return { ...worker, usage: () => inquiry.usage(worker) }
}

/** User and system time in seconds of a process and all it has started, which PostgreSQL does for each connection. */
export function treeCpuSeconds(pid: number): number {
  const rows = readdirSync('/proc').filter(name => /^\d+$/.test(name)).flatMap(statOf)
  return rows.filter(row => row.pid === pid || row.parent === pid).reduce((sum, row) => sum + row.seconds, 0)
}

function statOf(pid: string): { pid: number, parent: number, seconds: number }[] {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    // The name in parentheses may hold anything; the fields behind it are numbered from three on.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ').map(Number)
    return [{ pid: Number(pid), parent: fields[1] ?? 0, seconds: ((fields[11] ?? 0) + (fields[12] ?? 0)) / TICKS_PER_SECOND }]
  }
  catch {
    // It has ended meanwhile.
    return []
  }
}
