// What is measured: the built server with a broker and, where it is asked for, a database; and a bare subscriber beside it.
import { execFileSync } from 'node:child_process'
import { availableParallelism } from 'node:os'
import { startSender } from '../fanout/sides.ts'
import { startCrowd } from '../fanout/crowd.ts'
import { LatenciesSchema } from '../latency/latencies.ts'
import type { Latencies } from '../latency/latencies.ts'
import { AT_ONCE, startBroker } from '../support/broker.ts'
import { startServer } from '../support/server.ts'
import { until } from '../support/until.ts'
import { startPostgres } from '../../tools/programs/postgres.ts'
import { ASKABLE, createInquiry, startAskable, treeCpuSeconds } from './usage.ts'
import type { Usage } from './usage.ts'

const BARE = new URL('bare.ts', import.meta.url).pathname
const PUBLISHER = new URL('../fanout/publisher.ts', import.meta.url).pathname
const RECEIVE_MAXIMUM = 1_000
/** Latencies are told in steps of a hundredth of a millisecond. */
const BUCKET_US = 10
const STALLED_MS = 10_000

export type Store = 'off' | 'sqlite' | 'postgres'

/** How often the store was written to, and how long that took, since the start. */
export interface Commits { commits: number, seconds: number }

export interface Site {
  usage: () => Promise<Usage>
  heapBytes: () => Promise<number>
  residentBytes: () => number
  brokerCpuSeconds: () => number
  databaseCpuSeconds: () => number
  commits: () => Promise<Commits>
  /** Messages a second from now on. */
  send: (perSecond: number) => void
  /** Sends no more, and waits until everything is where it belongs. @throws when something was lost. */
  pause: () => Promise<number>
  watch: (path: string, viewers: number) => Promise<Viewers>
  stop: () => Promise<void>
}

export interface Viewers { take: () => Promise<Latencies>, stop: () => Promise<void> }
export interface SiteOptions { store: Store, qos: 0 | 1, devices?: number }

/** The server has the first processor to itself; broker, database, publisher and viewers share the others. */
export async function startSite({ store, qos, devices = 1_000 }: SiteOptions): Promise<Site> {
  const broker = await startBroker('others', [AT_ONCE])
  const database = store === 'postgres' ? await startPostgres() : undefined
  const databasePid = database?.pid()
  if (databasePid !== undefined) placeBeside(databasePid)
  const inquiry = createInquiry()
  const server = await startServer({
    place: 'measured',
    nodeArgs: ASKABLE,
    env: {
      NUXT_MQTT_URL: broker.url, NUXT_MQTT_RECEIVE_MAXIMUM: String(RECEIVE_MAXIMUM), NUXT_MQTT_SESSION_EXPIRY_SECONDS: '0',
      ...(store === 'off' && { NUXT_HISTORY: 'off' }), ...(database && { NUXT_DATABASE_URL: database.url }),
    },
    onMessage: inquiry.onMessage,
  })
  await server.connected()
  const publisher = startSender(PUBLISHER, [String(broker.port), String(qos), String(devices)], 'others')
  const failed = Promise.race([server.failed, broker.failed, publisher.failed])
  return {
    usage: () => inquiry.usage(server),
    heapBytes: () => inquiry.heapBytes(server),
    residentBytes: server.residentBytes,
    brokerCpuSeconds: broker.cpuSeconds,
    databaseCpuSeconds: () => databasePid === undefined ? 0 : treeCpuSeconds(databasePid),
    commits: () => commitsOf(server.url),
    send: publisher.send,
    async pause() {
      const sent = await publisher.pause()
      let accepted = -1
      for (let at = performance.now(); accepted !== sent;) {
        const now = (await server.health()).messages.accepted
        if (now !== accepted) at = performance.now()
        accepted = now
        if (performance.now() - at > STALLED_MS) throw new Error(`Of ${sent} messages sent, ${accepted} were accepted.`)
      }
      return sent
    },
    async watch(path, viewers) {
      const crowd = await Promise.race([startCrowd(server.port, path, viewers, () => {}, BUCKET_US), failed])
      return { take: () => Promise.race([crowd.take(), failed]), stop: crowd.stop }
    },
    async stop() {
      for (const { stop } of [publisher, server, broker]) await stop()
      await database?.remove()
    },
  }
}

/** In place of the server: it reads when each message was sent and does nothing else. */
export async function startBareSite({ qos }: { qos: 0 | 1 }) {
  const broker = await startBroker('others', [AT_ONCE])
  let ready = false
  let taken: (latencies: Latencies) => void = () => {}
  const bare = startAskable(BARE, {
    args: [broker.url, String(qos), String(RECEIVE_MAXIMUM), String(BUCKET_US)],
    place: 'measured',
    onMessage(message) {
      if ('ready' in message) ready = true
      if ('latencies' in message) taken(LatenciesSchema.parse(message.latencies))
    },
  })
  await Promise.race([until(() => ready), bare.failed])
  const publisher = startSender(PUBLISHER, [String(broker.port), String(qos)], 'others')
  const failed = Promise.race([bare.failed, broker.failed, publisher.failed])
  return {
    usage: bare.usage,
    brokerCpuSeconds: broker.cpuSeconds,
    send: publisher.send,
    take: () => Promise.race([failed, new Promise<Latencies>((resolve) => {
      taken = resolve
      bare.send({ take: true })
    })]),
    async stop() {
      await publisher.pause()
      for (const { stop } of [publisher, bare, broker]) await stop()
    },
  }
}

async function commitsOf(url: string): Promise<Commits> {
  const text = await (await fetch(`${url}/metrics`)).text()
  const value = (name: string) => Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(text)?.[1] ?? 0)
  return { commits: value('leitstand_store_commits_total'), seconds: value('leitstand_store_commit_seconds_total') }
}

/** Its children, one for each connection, inherit it. */
function placeBeside(pid: number) {
  const others = availableParallelism() - 1
  if (others > 0) execFileSync('taskset', ['-a', '-c', '-p', `1-${others}`, String(pid)], { stdio: 'ignore' })
}
