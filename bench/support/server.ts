import { HealthSchema } from '#shared/schemas/health'
import type { Health } from '#shared/schemas/health'
import { existsSync } from 'node:fs'
import { nextFreePort } from '../../tools/simulator/demo/ports.ts'
import { startWorker } from './child.ts'
import type { Place, Worker, WorkerOptions } from './child.ts'
import { makeFolder } from './folder.ts'
import { until } from './until.ts'

const FIRST_PORT = 3700
const SERVER = '.output/server/index.mjs'

export interface ServerOptions {
  /** Settings beyond the port and the folder: `NUXT_MQTT_URL` and the like. */
  env: Record<string, string>
  nodeArgs?: string[]
  place?: Place
  onMessage?: WorkerOptions['onMessage']
  /** Folder of the history, the caller's to remove. Without it the server has one of its own, which goes with it. */
  data?: string
}

export interface BenchServer extends Worker {
  port: number
  /** `http://127.0.0.1:3700` */
  url: string
  /** When the process was started, on the clock of `performance.now()`. */
  startedAt: number
  health: () => Promise<Health>
  /** Resolves when it is connected to its broker. */
  connected: () => Promise<void>
}

/** Starts the built server; it may not listen yet. */
export async function startServer({ env, nodeArgs = [], place, onMessage, data }: ServerOptions): Promise<BenchServer> {
  if (!existsSync(SERVER)) throw new Error('There is no built server: npm run build makes it.')
  const folder = data === undefined ? makeFolder() : undefined
  const port = await nextFreePort(FIRST_PORT)
  const url = `http://127.0.0.1:${port}`
  const startedAt = performance.now()
  const worker = startWorker(SERVER, {
    nodeArgs,
    ...(place && { place }),
    ...(onMessage && { onMessage }),
    env: { PORT: String(port), NUXT_DATA_DIR: data ?? folder?.path ?? '', ...env },
  })
  const health = async () => HealthSchema.parse(await (await fetch(`${url}/api/health`)).json())
  const ended = async (end: () => Promise<void>) => {
    await end()
    folder?.remove()
  }
  return {
    ...worker,
    port,
    url,
    startedAt,
    health,
    connected: () => Promise.race([until(async () => (await health()).broker.code === 'connected'), worker.failed]),
    stop: () => ended(worker.stop),
    kill: () => ended(worker.kill),
  }
}
