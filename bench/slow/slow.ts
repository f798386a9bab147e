// What clients that never read cost: memory of the server, and what ten good clients feel of them.
import { setTimeout as sleep } from 'node:timers/promises'
import { LatenciesSchema } from '../latency/latencies.ts'
import type { Latencies } from '../latency/latencies.ts'
import { startBroker } from '../support/broker.ts'
import { startWorker } from '../support/child.ts'
import type { Worker } from '../support/child.ts'
import { count, table, verdict } from '../support/figures.ts'
import { startFleet } from '../support/fleet.ts'
import type { BenchOptions, Say } from '../support/bench.ts'
import { watchMemory } from '../support/resident.ts'
import type { Resident } from '../support/resident.ts'
import { startServer } from '../support/server.ts'
import { until } from '../support/until.ts'

const GOOD = new URL('good.ts', import.meta.url).pathname
const SILENT = new URL('silent.ts', import.meta.url).pathname
const DEVICES = 1_000
const RATE = 5_000
const GOOD_CLIENTS = 10
const SILENT_CLIENTS = [0, 1, 100]
const SECONDS = 10
const WARM_UP_MS = 5_000
const MEMORY_TARGET_MB = 32
const LATENCY_TARGET = 1.5

interface Phase { silent: number, latencies: Latencies, memory: Resident, clientsLeft: number }

export async function benchSlow({ seconds = SECONDS }: BenchOptions, say: Say) {
  say(`\nSlow clients: ${count(RATE)} messages/s, ${GOOD_CLIENTS} clients that read everything, ${seconds} s each`)
  const phases: Phase[] = []
  for (const silent of SILENT_CLIENTS) {
    phases.push(await measure(silent, seconds))
    say(`${silent} that never read: measured`)
  }
  return report(phases, say)
}

/** Each time with a server of its own: what it keeps of messages grows alike, and what is different is the clients. */
async function measure(silent: number, seconds: number): Promise<Phase> {
  const broker = await startBroker('others')
  const server = await startServer({ env: { NUXT_MQTT_URL: broker.url }, place: 'measured' })
  try {
    await server.connected()
    const fleet = await startFleet(broker, DEVICES)
    await fleet.introduce(server)
    let latencies: Latencies | undefined
    const good = await startClients(GOOD, server.port, GOOD_CLIENTS, (message) => {
      if ('latencies' in message) latencies = LatenciesSchema.parse(message.latencies)
    })
    const others = silent > 0 ? [await startClients(SILENT, server.port, silent)] : []
    fleet.rate(RATE)
    const failed = Promise.race([server.failed, broker.failed, fleet.failed, good.failed, ...others.map(worker => worker.failed)])
    await Promise.race([sleep(WARM_UP_MS), failed])
    good.send({ take: true })
    await Promise.race([until(() => latencies !== undefined), failed])
    latencies = undefined
    const memory = await Promise.race([watchMemory(server, seconds), failed])
    good.send({ take: true })
    await Promise.race([until(() => latencies !== undefined), failed])
    const { streamClients } = await server.health()
    for (const worker of [fleet, good, ...others]) await worker.stop()
    if (latencies === undefined) throw new Error('The clients told nothing.')
    return { silent, latencies, memory, clientsLeft: streamClients - GOOD_CLIENTS }
  }
  finally {
    await server.stop()
    await broker.stop()
  }
}

async function startClients(script: string, port: number, clients: number, onMessage: (message: object) => void = () => {}): Promise<Worker> {
  let ready = false
  const worker = startWorker(script, {
    args: [String(port), String(clients)],
    place: 'others',
    onMessage(message) {
      ready ||= 'ready' in message
      onMessage(message)
    },
  })
  await Promise.race([until(() => ready), worker.failed])
  return worker
}

function report(phases: readonly Phase[], say: Say) {
  const [without] = phases
  if (!without) throw new Error('Nothing was measured.')
  const figures = phases.map(({ silent, latencies, memory, clientsLeft }) => ({
    silent, clientsLeft, latencies, memory,
    grownMb: memory.highestMb - without.memory.highestMb,
    p99Ratio: latencies.p99Ms / without.latencies.p99Ms,
  }))
  const rows = figures.map(({ silent, latencies, memory, grownMb, p99Ratio }, i) => [
    String(silent), count(memory.highestMb), i === 0 ? '' : `${count(grownMb)} (${verdict(grownMb < MEMORY_TARGET_MB)})`,
    count(latencies.p50Ms, 2), count(latencies.p99Ms, 2), i === 0 ? '' : `${count(p99Ratio, 2)} (${verdict(p99Ratio <= LATENCY_TARGET)})`,
    count(latencies.messages),
  ])
  say(`\n${table([
    'clients that never read', 'highest RSS, MB', `more than without (target: under ${MEMORY_TARGET_MB})`,
    'the good ones: p50 ms', 'p99 ms', `p99 / without (target: at most ${LATENCY_TARGET})`, 'messages noted',
  ], rows)}`)
  return { phases: figures }
}
