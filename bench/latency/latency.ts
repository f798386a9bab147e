// From the publisher's write to the client's read through the built server, beside a bare relay from MQTT to WebSocket.
import { setTimeout as sleep } from 'node:timers/promises'
import { nextFreePort } from '../../tools/simulator/demo/ports.ts'
import { AT_ONCE, startBroker } from '../support/broker.ts'
import type { BenchBroker } from '../support/broker.ts'
import { startWorker } from '../support/child.ts'
import { count, median, table, verdict } from '../support/figures.ts'
import type { BenchOptions, Say } from '../support/bench.ts'
import { startServer } from '../support/server.ts'
import { until } from '../support/until.ts'
import { startLatencyClient, startPublisher } from './harness.ts'
import type { LatencyClient } from './harness.ts'
import type { Latencies } from './latencies.ts'

const RATE = 1_000
const SECONDS = 2
const WARM_UP_MS = 500
/** What has not come by then is lost. */
const PATIENCE_MS = 10_000
const TARGET = 1.3
const FIRST_PORT = 3800
const RELAY = new URL('relay.ts', import.meta.url).pathname

type History = 'on' | 'off'
/** Both measured in turn, round by round. */
interface Pairs { bare: Latencies[], server: Latencies[] }

export async function benchLatency({ seconds = SECONDS, rounds }: BenchOptions, say: Say) {
  say(`\nLatency: ${count(RATE)} messages/s at QoS 1, one client, from the publisher's write to the client's read`)
  const off = await inTurn('off', seconds, rounds, say)
  const on = await inTurn('on', seconds, rounds, say)
  say(`\n${table(HEADS, [...rows('off', off), ...rows('on', on)])}\n`)
  return { off: { ...off, ...ratios('off', off, say) }, on: { ...on, ...ratios('on', on, say) } }
}

/** Relay and server, each with a broker and a client of its own, share the processor in turn: while one has messages the other rests. */
async function inTurn(history: History, seconds: number, rounds: number, say: Say): Promise<Pairs> {
  const bare = await startSide(broker => startRelay(broker))
  const server = await startSide(broker => startMeasuredServer(broker, history))
  const pairs: Pairs = { bare: [], server: [] }
  for (let round = 1; round <= rounds; round++) {
    pairs.bare.push(await measure(bare, seconds))
    pairs.server.push(await measure(server, seconds))
    say(`history ${history}: round ${round} of ${rounds} done`)
  }
  for (const { client, target, broker } of [bare, server]) for (const part of [client, target, broker]) await part.stop()
  return pairs
}

interface Target { port: number, failed: Promise<never>, stop: () => Promise<void> }
interface Side { broker: BenchBroker, target: Target, client: LatencyClient }

async function startSide(start: (broker: BenchBroker) => Promise<Target>): Promise<Side> {
  const broker = await startBroker('others', [AT_ONCE])
  const target = await start(broker)
  return { broker, target, client: await startLatencyClient(target.port, 'others') }
}

async function startRelay({ url, protocol }: BenchBroker): Promise<Target> {
  const port = await nextFreePort(FIRST_PORT)
  let ready = false
  const worker = startWorker(RELAY, { args: [url, String(protocol), String(port)], place: 'measured', onMessage: (message) => { ready ||= 'ready' in message } })
  await Promise.race([until(() => ready), worker.failed])
  return { ...worker, port }
}

async function startMeasuredServer({ url }: BenchBroker, history: History): Promise<Target> {
  const server = await startServer({ place: 'measured', env: { NUXT_MQTT_URL: url, NUXT_HISTORY: history } })
  await server.connected()
  return server
}

/** @throws when a message has not come. */
async function measure({ broker, target, client }: Side, seconds: number): Promise<Latencies> {
  const before = client.seen()
  const publisher = await startPublisher(broker.port, RATE, 'others')
  const failed = Promise.race([broker.failed, target.failed, client.failed, publisher.failed])
  await Promise.race([sleep(WARM_UP_MS), failed])
  await client.take()
  await Promise.race([sleep(seconds * 1_000), failed])
  const latencies = await client.take()
  const sent = await publisher.stop()
  const deadline = performance.now() + PATIENCE_MS
  const seen = () => client.seen() - before
  await Promise.race([until(() => seen() >= sent || performance.now() > deadline), failed])
  if (seen() !== sent) throw new Error(`Of ${sent} messages sent, the client got ${seen()}.`)
  return latencies
}

const HEADS = ['ms', 'history', 'p50', 'p95', 'p99', 'max', 'messages']

function rows(history: History, { bare, server }: Pairs): string[][] {
  const row = (name: string, { p50Ms, p95Ms, p99Ms, maxMs, messages }: Latencies) =>
    [name, history, count(p50Ms, 2), count(p95Ms, 2), count(p99Ms, 2), count(maxMs, 1), count(messages)]
  return bare.flatMap((relay, i) => [row(`bare relay ${i + 1}`, relay), ...(server[i] ? [row(`server ${i + 1}`, server[i])] : [])])
}

function ratios(history: History, { bare, server }: Pairs, say: Say) {
  const ratio = (of: (latencies: Latencies) => number) => median(server.map(of)) / median(bare.map(of))
  const found = { p50Ratio: ratio(({ p50Ms }) => p50Ms), p99Ratio: ratio(({ p99Ms }) => p99Ms) }
  for (const [name, value] of [['p50', found.p50Ratio], ['p99', found.p99Ratio]] as const) {
    say(`${name}, server / bare (medians), history ${history}: ${value.toFixed(2)} (target: at most ${TARGET}, ${verdict(value <= TARGET)})`)
  }
  return found
}
