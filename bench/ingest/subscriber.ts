import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import type { Durability } from '../../server/history/contract.ts'
import type { BenchBroker } from '../support/broker.ts'
import { startWorker } from '../support/child.ts'
import { makeFolder } from '../support/folder.ts'
import { startServer } from '../support/server.ts'
import { until } from '../support/until.ts'

export const RECEIVE_MAXIMUM = 1_000
const YARDSTICK = new URL('yardstick.ts', import.meta.url).pathname
const STREAM_READER = new URL('../support/stream-reader.ts', import.meta.url).pathname

/** What is measured: it takes messages and says how many. */
export interface Subscriber {
  received: () => number
  cpuSeconds: () => number
  failed: Promise<never>
  /** Ends it. @throws when not all of `sent` messages are where they should be. */
  finish: (sent: number) => Promise<void>
}

export interface Case {
  qos: 0 | 1
  history: 'off' | Durability
  /** What is measured has a core of its own, and the rest of this bench the others. */
  pinned: boolean
}

export async function startYardstick({ url, protocol }: BenchBroker, { qos, pinned }: Case): Promise<Subscriber> {
  let received: number | undefined
  const worker = startWorker(YARDSTICK, {
    args: [url, String(protocol), String(RECEIVE_MAXIMUM), String(qos)],
    ...(pinned && { place: 'measured' }),
    onMessage: (message) => { if ('received' in message) received = Number(message.received) },
  })
  await Promise.race([until(() => received !== undefined), worker.failed])
  return { ...worker, received: () => received ?? 0, finish: worker.stop }
}

/** The built server, and one stream client that reads everything. @param profileFolder Where to write a profile. */
export async function startFullServer({ url }: BenchBroker, { history, pinned }: Case, profileFolder?: string): Promise<Subscriber> {
  const data = makeFolder()
  const server = await startServer({
    data: data.path,
    ...(pinned && { place: 'measured' }),
    nodeArgs: profileFolder === undefined ? [] : ['--cpu-prof', '--cpu-prof-dir', profileFolder],
    env: {
      NUXT_MQTT_URL: url,
      ...(history === 'off' ? { NUXT_HISTORY: 'off' } : { NUXT_HISTORY_DURABILITY: history }),
      NUXT_MQTT_RECEIVE_MAXIMUM: String(RECEIVE_MAXIMUM), NUXT_MQTT_SESSION_EXPIRY_SECONDS: '0',
    },
  })
  await server.connected()
  const stream = await startStreamReader(server.port, pinned)
  return {
    ...server,
    // What has come out at its other end: asking the server itself would be load, and it answers late under load.
    received: stream.telemetry,
    async finish(sent) {
      const { messages } = await server.health()
      await stream.stop()
      await server.stop()
      const stored = history === 'off' ? [] : [storedIn(join(data.path, 'history.db'))]
      data.remove()
      const found = [messages.received, messages.accepted, stream.telemetry(), ...stored]
      if (found.some(count => count !== sent)) throw new Error(`Of ${sent} messages sent, [received, accepted, streamed, stored] are ${found.join(', ')}.`)
    },
  }
}

export async function startStreamReader(port: number, pinned: boolean) {
  let ready = false
  let telemetry = 0
  const worker = startWorker(STREAM_READER, {
    args: [String(port)],
    ...(pinned && { place: 'others' }),
    onMessage(message) {
      if ('ready' in message) ready = true
      if ('telemetry' in message) telemetry = Number(message.telemetry)
    },
  })
  await Promise.race([until(() => ready), worker.failed])
  return { telemetry: () => telemetry, stop: worker.stop }
}

/** Telemetry messages in the history: those that are packed, and those in the journal that are not yet. */
function storedIn(file: string): number {
  const database = new DatabaseSync(file)
  const row = database.prepare(`SELECT (SELECT coalesce(sum(messages), 0) FROM segment)
    + (SELECT count(*) FROM batch, json_each(batch.body) AS record JOIN device ON device.id = record.value ->> 0
       WHERE record.value ->> 1 = 0 AND batch.last - json_array_length(body) + 1 + record.key > archived) AS n`).get()
  database.close()
  return Number(row?.n)
}
