// What is measured: one built server, alone or as a replica, with a broker, a publisher and viewers on the other processors.
import { execFileSync } from 'node:child_process'
import { availableParallelism } from 'node:os'
import { z } from 'zod'
import { startCrowd } from '../fanout/crowd.ts'
import type { Crowd } from '../fanout/crowd.ts'
import { startSender } from '../fanout/sides.ts'
import { AT_ONCE, startBroker } from '../support/broker.ts'
import { startServer } from '../support/server.ts'
import { treeCpuSeconds } from '../support/tree-cpu.ts'
import { until } from '../support/until.ts'
import { startPostgres } from '../../tools/programs/postgres.ts'

const PUBLISHER = new URL('../fanout/publisher.ts', import.meta.url).pathname
const INSIDE = new URL('../support/inside.ts', import.meta.url).href
const RECEIVE_MAXIMUM = 1_000
/** Latencies are told in steps of a hundredth of a millisecond. */
const BUCKET_US = 10
const STALLED_MS = 10_000

export interface SiteOptions {
  database: 'SQLite' | 'PostgreSQL'
  /** Servers on the one database, of which one is measured; 0: one that is no replica. */
  replicas: number
}

/** CPU seconds so far of the server's main thread, of all its threads, of the broker and of the database; messages accepted by all. */
export interface Usage { atMs: number, loop: number, cpu: number, broker: number, database: number, accepted: number }

/** What the measured server tells of itself. */
const AnswerSchema = z.object({ loopMs: z.number(), cpuMs: z.number(), atMs: z.number() })
type Answer = z.infer<typeof AnswerSchema>

export interface Site {
  usage: () => Promise<Usage>
  residentBytes: () => number
  /** Messages a second from now on. */
  send: (perSecond: number) => void
  /** Sends no more, and waits until everything was accepted. @throws when something was lost. */
  pause: () => Promise<void>
  watch: (path: string, viewers: number) => Promise<Pick<Crowd, 'take' | 'stop'>>
  stop: () => Promise<void>
}

export async function startSite({ database: kind, replicas }: SiteOptions): Promise<Site> {
  const broker = await startBroker('others', [AT_ONCE])
  const database = kind === 'PostgreSQL' ? await startPostgres() : undefined
  const databasePid = database?.pid()
  if (databasePid !== undefined) placeBeside(databasePid)
  const env = {
    NUXT_MQTT_URL: broker.url, NUXT_MQTT_RECEIVE_MAXIMUM: String(RECEIVE_MAXIMUM), NUXT_MQTT_SESSION_EXPIRY_SECONDS: '0',
    NUXT_CLUSTER: String(replicas > 0), ...database && { NUXT_DATABASE_URL: database.url },
  }
  let answer: Answer | undefined
  const server = await startServer({
    place: 'measured',
    nodeArgs: ['--import', INSIDE],
    env,
    onMessage: (message) => { if ('usage' in message) answer = AnswerSchema.parse(message.usage) },
  })
  const servers = [server]
  await server.connected()
  while (servers.length < replicas) {
    const other = await startServer({ place: 'others', env })
    await other.connected()
    servers.push(other)
  }
  const publisher = startSender(PUBLISHER, [String(broker.port), '1'], 'others')
  const failed = Promise.race([...servers, broker, publisher].map(part => part.failed))

  async function accepted(): Promise<number> {
    const healths = await Promise.all(servers.map(({ health }) => health()))
    return healths.reduce((sum, { messages }) => sum + messages.accepted, 0)
  }

  return {
    async usage() {
      answer = undefined
      server.send({ usage: true })
      await Promise.race([until(() => answer !== undefined, 1), failed])
      const { atMs, loopMs, cpuMs } = AnswerSchema.parse(answer)
      const ofDatabase = databasePid === undefined ? 0 : treeCpuSeconds(databasePid)
      return { atMs, loop: loopMs / 1_000, cpu: cpuMs / 1_000, broker: broker.cpuSeconds(), database: ofDatabase, accepted: await accepted() }
    },
    residentBytes: server.residentBytes,
    send: publisher.send,
    async pause() {
      const sent = await publisher.pause()
      const deadline = performance.now() + STALLED_MS
      while (await accepted() < sent) {
        if (performance.now() > deadline) throw new Error(`Of ${sent} messages sent, ${await accepted()} were accepted.`)
      }
    },
    // Two replicas take the messages of one device in turn.
    watch: (path, viewers) => Promise.race([startCrowd(server.port, path, viewers, () => {}, BUCKET_US, replicas < 2), failed]),
    async stop() {
      for (const { stop } of [publisher, ...servers, broker]) await stop()
      await database?.remove()
    },
  }
}

/** Its children, one for each connection, inherit it. */
function placeBeside(pid: number) {
  const others = availableParallelism() - 1
  if (others > 0) execFileSync('taskset', ['-a', '-c', '-p', `1-${others}`, String(pid)], { stdio: 'ignore' })
}
