// What good clients feel of attacks: a client of the event stream, and one that asks the API, in peace and under each attack in turn.
import { setTimeout as sleep } from 'node:timers/promises'
import { z } from 'zod'
import { startLatencyClient, startPublisher } from '../latency/harness.ts'
import type { LatencyClient, Publisher } from '../latency/harness.ts'
import { summary } from '../latency/latencies.ts'
import type { Latencies } from '../latency/latencies.ts'
import { startWorker } from '../support/child.ts'
import type { Worker } from '../support/child.ts'
import { count, median, table, verdict } from '../support/figures.ts'
import type { BenchOptions, Say } from '../support/bench.ts'
import { until } from '../support/until.ts'
import { ATTACKS } from './attacks.ts'
import type { Attack } from './attacks.ts'
import { startSite } from './site.ts'
import type { Site } from './site.ts'

const ASSAULT = new URL('assault.ts', import.meta.url).pathname
const PROBE = new URL('probe.ts', import.meta.url).pathname
const RATE = 1_000
const SECONDS = 3
const WARM_UP_MS = 500
/** What an attack has left behind, such as guesses that wait to be looked at, is not the next one's peace. */
const REST_MS = 1_500
/** What has not come by then is lost. */
const PATIENCE_MS = 10_000
const TARGET = 2

/**
 * What the good clients felt in one phase: of the stream from the publisher's write, of the API from question to answer; and CPU seconds
 * a second of the server, all its threads.
 */
interface Felt { stream: Latencies, api: Latencies, cpuShare: number }
interface Result { name: string, perSecond: number, quiet: Felt[], attacked: Felt[], answers: Record<string, number>, refused: number }
interface Good { server: Site['server'], client: LatencyClient, publisher: Publisher, probe: Probe, failed: Promise<never> }

export async function benchAttack({ seconds = SECONDS, rounds, only }: BenchOptions, say: Say) {
  say(`\nAttacks: good clients at ${count(RATE)} messages/s and 100 questions/s, in peace and under each attack, ${seconds} s each`)
  const site = await startSite()
  const { broker, server, token } = site
  try {
    const client = await startLatencyClient(server.port, 'others', token)
    const probe = await startProbe(server.port, token)
    const publisher = await startPublisher(broker.port, RATE, 'others')
    const good: Good = { server, client, publisher, probe, failed: Promise.race([broker.failed, server.failed, client.failed, publisher.failed, probe.failed]) }
    const results: Result[] = []
    for (const [name, attack] of Object.entries(ATTACKS)) {
      if (!name.includes(only)) continue
      results.push(await underAttack({ name, attack, site, good }, seconds, rounds))
      say(`${name}: measured`)
    }
    await checkNothingLost(good)
    for (const part of [probe, client]) await part.stop()
    return report(results, say)
  }
  finally {
    await server.stop()
    await broker.stop()
  }
}

interface Trial { name: string, attack: Attack, site: Site, good: Good }

/** In turn, so that what else the machine does is in both. */
async function underAttack({ name, attack, site, good }: Trial, seconds: number, rounds: number): Promise<Result> {
  const { perSecond, reason } = attack
  const before = (await site.refused())[reason] ?? 0
  const result: Result = { name, perSecond, quiet: [], attacked: [], answers: {}, refused: 0 }
  for (let round = 0; round < rounds; round++) {
    result.quiet.push(await feel(good, seconds))
    const assault = await startAssaultWorker(site, name)
    result.attacked.push(await feel(good, seconds))
    for (const [answer, times] of Object.entries(await assault.stop())) result.answers[answer] = (result.answers[answer] ?? 0) + times
    await Promise.race([sleep(REST_MS), good.failed])
  }
  result.refused = ((await site.refused())[reason] ?? 0) - before
  if (result.refused === 0) throw new Error(`Nothing was counted as ${reason} under the attack “${name}”.`)
  return result
}

async function feel({ server, client, probe, failed }: Good, seconds: number): Promise<Felt> {
  await Promise.race([sleep(WARM_UP_MS), failed])
  await Promise.race([Promise.all([client.take(), probe.take()]), failed])
  const [begin, before] = [performance.now(), server.cpuSeconds()]
  await Promise.race([sleep(seconds * 1_000), failed])
  const cpuShare = (server.cpuSeconds() - before) / ((performance.now() - begin) / 1_000)
  const [stream, api] = await Promise.race([Promise.all([client.take(), probe.take()]), failed])
  return { stream, api: summary(api), cpuShare }
}

const TakenSchema = z.object({ taken: z.array(z.number()) })
interface Probe { take: () => Promise<number[]>, stop: () => Promise<void>, failed: Promise<never> }

async function startProbe(port: number, token: string): Promise<Probe> {
  let ready = false
  let onTaken: (taken: number[]) => void = () => {}
  const worker = startWorker(PROBE, {
    args: [String(port), token],
    place: 'others',
    onMessage(message) {
      if ('ready' in message) ready = true
      if ('taken' in message) onTaken(TakenSchema.parse(message).taken)
    },
  })
  await Promise.race([until(() => ready), worker.failed])
  return {
    stop: worker.stop,
    failed: worker.failed,
    take: () => Promise.race([worker.failed, new Promise<number[]>((resolve) => {
      onTaken = resolve
      worker.send({ take: true })
    })]),
  }
}

const AnswersSchema = z.object({ answers: z.record(z.string(), z.number()) })

async function startAssaultWorker({ server, token }: Site, name: string) {
  let ready = false
  let onAnswers: (answers: Record<string, number>) => void = () => {}
  const worker: Worker = startWorker(ASSAULT, {
    args: [String(server.port), name, token],
    place: 'others',
    onMessage(message) {
      if ('ready' in message) ready = true
      if ('answers' in message) onAnswers(AnswersSchema.parse(message).answers)
    },
  })
  await Promise.race([until(() => ready), worker.failed])
  return {
    async stop() {
      const answers = new Promise<Record<string, number>>((resolve) => { onAnswers = resolve })
      worker.send({ stop: true })
      const heard = await Promise.race([answers, worker.failed])
      await worker.stop()
      return heard
    },
  }
}

/** @throws when a message of the whole time has not come. */
async function checkNothingLost({ client, publisher, failed }: Good) {
  const sent = await publisher.stop()
  const deadline = performance.now() + PATIENCE_MS
  await Promise.race([until(() => client.seen() >= sent || performance.now() > deadline), failed])
  if (client.seen() !== sent) throw new Error(`Of ${sent} messages sent, the good client got ${client.seen()}.`)
}

function report(results: readonly Result[], say: Say) {
  const p99 = (felt: readonly Felt[], part: 'stream' | 'api') => median(felt.map(one => one[part].p99Ms))
  const attacks = results.map((result) => {
    const { quiet, attacked } = result
    return {
      ...result,
      streamRatio: p99(attacked, 'stream') / p99(quiet, 'stream'),
      apiRatio: p99(attacked, 'api') / p99(quiet, 'api'),
      cpuMsEach: (median(attacked.map(one => one.cpuShare)) - median(quiet.map(one => one.cpuShare))) / result.perSecond * 1_000,
    }
  })
  const rows = attacks.map(({ name, perSecond, quiet, attacked, answers, refused, streamRatio, apiRatio, cpuMsEach }) => [
    name, count(perSecond), ...(['stream', 'api'] as const).flatMap(part => [count(p99(quiet, part), 2), count(p99(attacked, part), 2)]),
    count(cpuMsEach, 2), count(streamRatio, 2), count(apiRatio, 2), verdict(streamRatio < TARGET && apiRatio < TARGET),
    Object.entries(answers).map(([answer, times]) => `${count(times)} × ${answer}`).join(', '), count(refused),
  ])
  say(`\n${table(['p99, ms', 'a second', 'stream in peace', 'attacked', 'API in peace', 'attacked', 'CPU ms each', 'stream ratio', 'API ratio', `target: both under ${TARGET}`, 'answers', 'counted'], rows)}`)
  return { attacks }
}
