import { startWorker } from '../support/child.ts'
import type { Place } from '../support/child.ts'
import { until } from '../support/until.ts'
import { LatenciesSchema } from './latencies.ts'
import type { Latencies } from './latencies.ts'

const PUBLISHER = new URL('publisher.ts', import.meta.url).pathname
const CLIENT = new URL('client.ts', import.meta.url).pathname

export interface Publisher {
  failed: Promise<never>
  /** Ends it when the broker has acknowledged everything; how many messages it sent. */
  stop: () => Promise<number>
}

/** Publishes `rate` messages a second. */
export async function startPublisher(brokerPort: number, rate: number, place?: Place): Promise<Publisher> {
  const state = { sent: 0, acknowledged: 0, stopped: false }
  const worker = startWorker(PUBLISHER, {
    args: [String(brokerPort), String(rate)],
    ...(place && { place }),
    onMessage: message => void Object.assign(state, message),
  })
  await Promise.race([until(() => state.sent > 0), worker.failed])
  return {
    failed: worker.failed,
    async stop() {
      worker.send({ stop: true })
      await Promise.race([until(() => state.stopped && state.acknowledged === state.sent), worker.failed])
      await worker.stop()
      return state.sent
    },
  }
}

export interface LatencyClient {
  failed: Promise<never>
  /** Messages that have come in all. */
  seen: () => number
  /** What came since the last time it was asked. */
  take: () => Promise<Latencies>
  stop: () => Promise<void>
}

/** A client of the event stream of the server at this port; `token` lets it in where there are accounts. */
export async function startLatencyClient(port: number, place?: Place, token = ''): Promise<LatencyClient> {
  let ready = false
  let seen = 0
  let taken: (latencies: Latencies) => void = () => {}
  const worker = startWorker(CLIENT, {
    args: [String(port), token],
    ...(place && { place }),
    onMessage(message) {
      if ('seen' in message) seen = Number(message.seen)
      if ('ready' in message) ready = true
      if ('latencies' in message) taken(LatenciesSchema.parse(message.latencies))
    },
  })
  await Promise.race([until(() => ready), worker.failed])
  return {
    failed: worker.failed,
    stop: worker.stop,
    seen: () => seen,
    take: () => Promise.race([worker.failed, new Promise<Latencies>((resolve) => {
      taken = resolve
      worker.send({ take: true })
    })]),
  }
}
