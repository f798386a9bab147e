import { HealthSchema } from '#shared/schemas/health'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { setTimeout as sleep } from 'node:timers/promises'
import { nextFreePort } from '../../tools/simulator/demo/ports.ts'
import { startWorker } from '../support/child.ts'
import type { BenchBroker } from './broker.ts'

export const RECEIVE_MAXIMUM = 1_000
const FIRST_PORT = 3700
const POLL_MS = 50
const SERVER = '.output/server/index.mjs'
const script = (name: string) => new URL(name, import.meta.url).pathname

/** What is measured: it takes messages and says how many. */
export interface Subscriber {
  received: () => number
  cpuSeconds: () => number
  failed: Promise<never>
  /** Ends it. @throws when not all of `sent` messages are where they should be. */
  finish: (sent: number) => Promise<void>
}

export async function startYardstick({ url, protocol }: BenchBroker): Promise<Subscriber> {
  let received: number | undefined
  const worker = startWorker(script('yardstick.ts'), {
    args: [url, String(protocol), String(RECEIVE_MAXIMUM)],
    onMessage: (message) => { if ('received' in message) received = Number(message.received) },
  })
  await Promise.race([until(() => received !== undefined), worker.failed])
  return { ...worker, received: () => received ?? 0, finish: worker.stop }
}

/** The built server with its history on, and one stream client that reads everything. @param profileFolder Where to write a profile. */
export async function startServer({ url }: BenchBroker, profileFolder?: string): Promise<Subscriber> {
  if (!existsSync(SERVER)) throw new Error('There is no built server: npm run build makes it.')
  const data = mkdtempSync(join(tmpdir(), 'leitstand-bench-'))
  const port = await nextFreePort(FIRST_PORT)
  const worker = startWorker(SERVER, {
    nodeArgs: profileFolder === undefined ? [] : ['--cpu-prof', '--cpu-prof-dir', profileFolder],
    env: {
      PORT: String(port), NUXT_DATA_DIR: data, NUXT_MQTT_URL: url, NUXT_HISTORY_DURABILITY: 'full',
      NUXT_MQTT_RECEIVE_MAXIMUM: String(RECEIVE_MAXIMUM), NUXT_MQTT_SESSION_EXPIRY_SECONDS: '0',
    },
  })
  const health = async () => HealthSchema.parse(await (await fetch(`http://127.0.0.1:${port}/api/health`)).json())
  await Promise.race([until(async () => (await health()).broker.code === 'connected'), worker.failed])
  const stream = await startStreamReader(port)
  return {
    ...worker,
    // What has come out at its other end: asking the server itself would be load, and it answers late under load.
    received: stream.telemetry,
    async finish(sent) {
      const { messages } = await health()
      await stream.stop()
      await worker.stop()
      const stored = storedIn(join(data, 'history.db'))
      rmSync(data, { recursive: true })
      const found = [messages.received, messages.accepted, stream.telemetry(), stored]
      if (found.some(count => count !== sent)) throw new Error(`Of ${sent} messages sent, [received, accepted, streamed, stored] are ${found.join(', ')}.`)
    },
  }
}

async function startStreamReader(port: number) {
  let ready = false
  let telemetry = 0
  const worker = startWorker(script('stream-reader.ts'), {
    args: [String(port)],
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

/** Waits for what announces itself by no event. */
async function until(isSo: () => boolean | Promise<boolean>) {
  while (!await Promise.resolve().then(isSo).catch(() => false)) await sleep(POLL_MS)
}
