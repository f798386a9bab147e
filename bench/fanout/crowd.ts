import { z } from 'zod'
import { startWorker } from '../support/child.ts'
import type { Worker } from '../support/child.ts'
import { LatenciesSchema } from '../latency/latencies.ts'
import type { Latencies } from '../latency/latencies.ts'
import { until } from '../support/until.ts'

const CLIENTS = new URL('clients.ts', import.meta.url).pathname

/** What has arrived: at the client with the fewest events, at the one with the most, and at all together. */
const ArrivedSchema = z.object({ least: z.number(), most: z.number(), events: z.number(), bytes: z.number() })
type Arrived = z.infer<typeof ArrivedSchema>

export interface Crowd extends Pick<Worker, 'failed' | 'stop' | 'cpuSeconds'> {
  clients: number
  arrived: () => Arrived
  /** How long events took since the last time it was asked. */
  take: () => Promise<Latencies>
}

/**
 * Connects many clients to the event stream at this path (`{n}` in it is the number of the client); `onProgress` is told of the slowest of
 * them now and then. Latencies are told in steps of `bucketUs`; `isOrdered`: events come in the order they were sent.
 */
export async function startCrowd(
  port: number, path: string, clients: number, onProgress: (least: number) => void, bucketUs = 100, isOrdered = true,
): Promise<Crowd> {
  let ready = false
  let arrived: Arrived = { least: 0, most: 0, events: 0, bytes: 0 }
  let taken: (latencies: Latencies) => void = () => {}
  const worker = startWorker(CLIENTS, {
    args: [String(port), path, String(clients), String(bucketUs), String(isOrdered)],
    place: 'others',
    onMessage(message) {
      if ('ready' in message) ready = true
      if ('latencies' in message) taken(LatenciesSchema.parse(message.latencies))
      if (!('least' in message)) return
      arrived = ArrivedSchema.parse(message)
      onProgress(arrived.least)
    },
  })
  await Promise.race([until(() => ready), worker.failed])
  return {
    ...worker,
    clients,
    arrived: () => arrived,
    take: () => Promise.race([worker.failed, new Promise<Latencies>((resolve) => {
      taken = resolve
      worker.send({ take: true })
    })]),
  }
}
