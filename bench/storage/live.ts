// What the live view feels of a large history: at rest, while charts are asked for, while a day is pruned.
import { statSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { startLatencyClient, startPublisher } from '../latency/harness.ts'
import type { LatencyClient } from '../latency/harness.ts'
import type { Latencies } from '../latency/latencies.ts'
import { startBroker } from '../support/broker.ts'
import type { BenchBroker } from '../support/broker.ts'
import type { Say } from '../support/bench.ts'
import { startServer } from '../support/server.ts'
import type { BenchServer } from '../support/server.ts'
import { until } from '../support/until.ts'
import { watchPruning } from './pruning.ts'
import { askForCharts } from './queries.ts'
import type { AnswerTimes } from './queries.ts'
import { countSamples } from './sizes.ts'

const RATE = 1_000
const WARM_UP_MS = 5_000
/** The server prunes a minute after its start. */
const PRUNED_AFTER_MS = 58_000
/** Larger than any history here: only age decides what is pruned. */
const MEGABYTES = '1000000'

export interface LiveFigures {
  /** From the start of the process until all is connected. */
  startMs: number
  quiet: Latencies
  asked: Latencies
  answerMs: AnswerTimes
  pruning: Latencies
  pruningSeconds: number
  samplesPruned: number
  fileBytes: { before: number, after: number }
}

interface Parts { server: BenchServer, client: LatencyClient }

/** Runs the built server on the history in `folder`, twice: at rest and with queries, then with a day to prune. */
export async function measureLive(folder: string, devices: number, seconds: number, say: Say): Promise<LiveFigures> {
  const broker = await startBroker()
  const file = join(folder, 'history.db')
  const filledUntil = Date.now()
  try {
    const keepAll = { NUXT_HISTORY_RAW_DAYS: '0', NUXT_HISTORY_MINUTE_DAYS: '0' }
    const atRest = await live(broker, folder, keepAll, parts => measureAtRest(parts, devices, seconds))
    const before = { samples: countSamples(file, filledUntil), bytes: statSync(file).size }
    say('waiting for the server to prune')
    const pruned = await live(broker, folder, { NUXT_HISTORY_RAW_DAYS: '1' }, parts => measurePruning(parts, file))
    return {
      ...atRest,
      ...pruned,
      samplesPruned: before.samples - countSamples(file, filledUntil),
      fileBytes: { before: before.bytes, after: statSync(file).size },
    }
  }
  finally {
    await broker.stop()
  }
}

async function measureAtRest({ server, client }: Parts, devices: number, seconds: number) {
  // From the start of the process to the connection: what the journal held is read back before.
  const startMs = performance.now() - server.startedAt
  await sleep(WARM_UP_MS)
  await client.take()
  await sleep(seconds * 1_000)
  const quiet = await client.take()
  const answerMs = await askForCharts(server.url, devices, performance.now() + seconds * 1_000)
  return { startMs, quiet, asked: await client.take(), answerMs }
}

async function measurePruning({ server, client }: Parts, file: string) {
  await sleep(server.startedAt + PRUNED_AFTER_MS - performance.now())
  await client.take()
  const begin = performance.now()
  await Promise.race([watchPruning(file), server.failed])
  return { pruning: await client.take(), pruningSeconds: (performance.now() - begin) / 1_000 }
}

/** With a publisher and one stream client, for as long as `measured` takes. @throws when messages are lost. */
async function live<T>(broker: BenchBroker, folder: string, env: Record<string, string>, measured: (parts: Parts) => Promise<T>): Promise<T> {
  const server = await startServer({ data: folder, env: { NUXT_MQTT_URL: broker.url, NUXT_HISTORY_MEGABYTES: MEGABYTES, ...env } })
  await server.connected()
  const client = await startLatencyClient(server.port)
  const publisher = await startPublisher(broker.port, RATE)
  const result = await Promise.race([measured({ server, client }), server.failed, client.failed, publisher.failed, broker.failed])
  const sent = await publisher.stop()
  await Promise.race([until(async () => (await server.health()).messages.accepted === sent), server.failed])
  await client.stop()
  await server.stop()
  return result
}
