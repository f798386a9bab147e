// `GET /api/sensors` of 10,000 devices beside a bare `node:http` server that sends the same bytes, and how soon a 304 is there.
import { setTimeout as sleep } from 'node:timers/promises'
import { nextFreePort } from '../../tools/simulator/demo/ports.ts'
import { startBroker } from '../support/broker.ts'
import { startWorker } from '../support/child.ts'
import { count, table, verdict } from '../support/figures.ts'
import { startFleet } from '../support/fleet.ts'
import type { BenchOptions, Say } from '../support/bench.ts'
import { startServer } from '../support/server.ts'
import type { BenchServer } from '../support/server.ts'
import { until } from '../support/until.ts'
import { askFor } from './asking.ts'
import type { Answers } from './asking.ts'

const DEVICES = 10_000
const RATE = 1_000
const CONNECTIONS = 8
const FIRST_PORT = 3_900
const STATIC = new URL('static.ts', import.meta.url).pathname
const SECONDS = 5
const RATE_TARGET = 0.8
const UNCHANGED_TARGET_MS = 1

type Phases = Record<'bare' | 'still' | 'busy' | 'unchanged', Answers>

export async function benchSnapshot({ seconds = SECONDS }: BenchOptions, say: Say) {
  say(`\nSnapshot: GET /api/sensors of ${count(DEVICES)} devices, ${CONNECTIONS} connections that stay open`)
  const broker = await startBroker('others')
  const server = await startServer({ env: { NUXT_MQTT_URL: broker.url }, place: 'measured' })
  try {
    await server.connected()
    const fleet = await startFleet(broker, DEVICES)
    await fleet.introduce(server)
    const bare = await measureBare(server, seconds)
    say('the bare server is measured')
    const still = await askFor({ ...server, connections: CONNECTIONS }, seconds)
    fleet.rate(RATE)
    const busy = await askFor({ ...server, connections: CONNECTIONS }, seconds)
    fleet.rate(0)
    say('the server is measured')
    await sleep(1_000)
    const etag = (await fetch(`${server.url}/api/sensors`)).headers.get('etag') ?? ''
    const unchanged = await askFor({ ...server, connections: 1, etag }, seconds)
    await fleet.stop()
    return report({ bare, still, busy, unchanged }, say)
  }
  finally {
    await server.stop()
    await broker.stop()
  }
}

async function measureBare({ url }: BenchServer, seconds: number): Promise<Answers> {
  const port = await nextFreePort(FIRST_PORT)
  let ready = false
  const worker = startWorker(STATIC, {
    args: [String(port), `${url}/api/sensors`],
    place: 'measured',
    onMessage: (message) => { ready ||= 'ready' in message },
  })
  await Promise.race([until(() => ready), worker.failed])
  const answers = await askFor({ ...worker, port, connections: CONNECTIONS }, seconds)
  await worker.stop()
  return answers
}

function report({ bare, still, busy, unchanged }: Phases, say: Say) {
  const rateRatio = (of: Answers) => of.perSecond / bare.perSecond
  const cpuRatio = (of: Answers) => of.cpuMsEach / bare.cpuMsEach
  const row = (name: string, answers: Answers, target: string) => [
    name, count(answers.perSecond), count(answers.megabytesPerSecond), count(answers.cpuMsEach, 2),
    count(rateRatio(answers), 2), count(cpuRatio(answers), 2), count(answers.p50Ms, 2), count(answers.p99Ms, 2), target,
  ]
  const atLeast = (of: Answers) => verdict(rateRatio(of) >= RATE_TARGET)
  say(`\n${table(['', 'answers/s', 'MB/s', 'CPU ms each', 'rate / bare', 'CPU / bare', 'p50 ms', 'p99 ms', `target: rate at least ${RATE_TARGET}`], [
    row('bare `node:http`', bare, ''),
    row('server, nothing changes', still, atLeast(still)),
    row(`server, ${count(RATE)} messages/s`, busy, atLeast(busy)),
  ])}\n`)
  const { p50Ms, p99Ms, messages } = unchanged
  say(`304, one after the other: p50 ${count(p50Ms, 2)} ms, p99 ${count(p99Ms, 2)} ms (target: p99 under ${UNCHANGED_TARGET_MS} ms, ${verdict(p99Ms < UNCHANGED_TARGET_MS)}; ${count(messages)} answers)`)
  return { bare, still, busy, unchanged, rateRatio: { still: rateRatio(still), busy: rateRatio(busy) }, cpuRatio: { still: cpuRatio(still), busy: cpuRatio(busy) } }
}
