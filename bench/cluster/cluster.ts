// Messages a second into the database by one server that is alone, by one replica and by three, on the same broker in turn, each
// with a viewer who sees all; and who has used the processors meanwhile, for on few of them that is what bounds the sum.
import { availableParallelism } from 'node:os'
import { startPostgres } from '../../tools/programs/postgres.ts'
import { measure } from '../ingest/measure.ts'
import type { Measurement } from '../ingest/measure.ts'
import { RECEIVE_MAXIMUM, startStreamReader } from '../ingest/subscriber.ts'
import type { Subscriber } from '../ingest/subscriber.ts'
import { AT_ONCE, startBroker } from '../support/broker.ts'
import type { BenchBroker } from '../support/broker.ts'
import { count, median, table, verdict } from '../support/figures.ts'
import type { BenchOptions, Say } from '../support/bench.ts'
import { startServer } from '../support/server.ts'
import { treeCpuSeconds } from '../support/tree-cpu.ts'

const SECONDS = 6
const MIN_RATIO = 1.8
/** For three replicas, the database and the broker: with fewer processors they take them from each other. */
const ENOUGH_CORES = 6

const SITES = { 'alone': { replicas: 1, isCluster: false }, 'one replica': { replicas: 1, isCluster: true }, 'three replicas': { replicas: 3, isCluster: true } }
type SiteName = keyof typeof SITES

interface Result extends Measurement { databaseCpuSecondsPerMillion: number }

export async function benchCluster({ seconds = SECONDS, rounds }: BenchOptions, say: Say) {
  const broker = await startBroker(undefined, [AT_ONCE])
  say(`\nCluster: QoS 1, stored in PostgreSQL before it is acknowledged; three numbers a message, 1,000 devices, ${broker.what}`)
  const results: Record<SiteName, Result[]> = { 'alone': [], 'one replica': [], 'three replicas': [] }
  try {
    for (let round = 1; round <= rounds; round++) {
      for (const name of ['alone', 'one replica', 'three replicas'] as const) results[name].push(await measureSite(broker, name, seconds))
      say(`round ${round} of ${rounds} done`)
    }
  }
  finally {
    await broker.stop()
  }
  return report(results, say)
}

/** A database and servers of its own each time. */
async function measureSite(broker: BenchBroker, name: SiteName, seconds: number): Promise<Result> {
  const database = await startPostgres()
  const pid = database.pid() ?? 0
  const used: { at: number, messages: number }[] = []
  try {
    const site = await startReplicas(broker, database.url, SITES[name])
    const measurement = await measure(broker, {
      ...site,
      cpuSeconds() {
        used.push({ at: treeCpuSeconds(pid), messages: site.received() })
        return site.cpuSeconds()
      },
    }, { qos: 1 }, seconds)
    const [first, last] = [used[0], used.at(-1)]
    if (!first || !last) throw new Error('Nothing was measured.')
    return { ...measurement, databaseCpuSecondsPerMillion: (last.at - first.at) / (last.messages - first.messages) * 1_000_000 }
  }
  finally {
    await database.remove()
  }
}

async function startReplicas({ url }: BenchBroker, databaseUrl: string, { replicas, isCluster }: typeof SITES[SiteName]): Promise<Subscriber> {
  const servers = await Promise.all(Array.from({ length: replicas }, () => startServer({
    env: {
      NUXT_MQTT_URL: url, NUXT_DATABASE_URL: databaseUrl, NUXT_CLUSTER: String(isCluster),
      NUXT_MQTT_RECEIVE_MAXIMUM: String(RECEIVE_MAXIMUM), NUXT_MQTT_SESSION_EXPIRY_SECONDS: '0',
    },
  })))
  await Promise.all(servers.map(server => server.connected()))
  const stream = await startStreamReader(servers[0]?.port ?? 0, false)
  return {
    // What has come out at the other end of one of them: all of it, wherever it was taken in.
    received: stream.telemetry,
    cpuSeconds: () => servers.reduce((sum, server) => sum + server.cpuSeconds(), 0),
    failed: Promise.race(servers.map(({ failed }) => failed)),
    async finish(sent) {
      const taken = await Promise.all(servers.map(async server => (await server.health()).messages.accepted))
      await stream.stop()
      for (const server of servers) await server.stop()
      const accepted = taken.reduce((sum, one) => sum + one, 0)
      if (accepted !== sent || stream.telemetry() !== sent) throw new Error(`Of ${sent} messages sent, [${taken.join(' + ')}] were accepted and ${stream.telemetry()} streamed.`)
    },
  }
}

function report(results: Record<SiteName, Result[]>, say: Say) {
  const rows = Object.entries(results).flatMap(([name, measured]) => measured.map(({ perSecond, cpuSecondsPerMillion, databaseCpuSecondsPerMillion, brokerLoad, messages }, i) =>
    [`${name} ${i + 1}`, count(perSecond), count(cpuSecondsPerMillion, 1), count(databaseCpuSecondsPerMillion, 1), count(brokerLoad, 2), count(messages)]))
  say(`\n${table(['', 'messages/s', 'CPU s per million', 'database’s', 'broker’s CPUs', 'messages, none lost'], rows)}\n`)
  const of = (name: SiteName, value: (result: Result) => number) => median(results[name].map(value))
  const ratio = of('three replicas', ({ perSecond }) => perSecond) / of('one replica', ({ perSecond }) => perSecond)
  const cores = availableParallelism()
  const isFair = cores >= ENOUGH_CORES
  say(`rate, three replicas / one (medians): ${ratio.toFixed(2)} (target: at least ${MIN_RATIO}${isFair ? `, ${verdict(ratio >= MIN_RATIO)}` : `; not to be had on ${cores} processors, which are all in use with one replica already`})`)
  // A replica takes in its share and follows everything: from the sums of one and three replicas, what each of both costs.
  const [one, three] = [of('one replica', ({ cpuSecondsPerMillion }) => cpuSecondsPerMillion), of('three replicas', ({ cpuSecondsPerMillion }) => cpuSecondsPerMillion)]
  const follow = (three - one) / 2
  const bound = one / (one - follow + 3 * follow) * 3
  say(`CPU µs a message: taking in and storing ${count(one - follow, 1)}, following ${count(follow, 1)} on each replica; three replicas with processors of their own: ${bound.toFixed(2)} of one, if database and broker follow`)
  return { results, ratio, storeMicroseconds: one - follow, followMicroseconds: follow, ratioWithEnoughCores: bound }
}
