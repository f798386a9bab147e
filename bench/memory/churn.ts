// Whether clients that come and go leave anything behind in the server.
import { setTimeout as sleep } from 'node:timers/promises'
import { z } from 'zod'
import { startBroker } from '../support/broker.ts'
import { startWorker } from '../support/child.ts'
import { startFleet } from '../support/fleet.ts'
import { createProgress } from '../support/progress.ts'
import type { Say } from '../support/bench.ts'
import { megabytes } from '../support/resident.ts'
import { startServer } from '../support/server.ts'
import type { BenchServer } from '../support/server.ts'
import { until } from '../support/until.ts'

const VISITORS = new URL('visitors.ts', import.meta.url).pathname
const INSIDE = new URL('../support/inside.ts', import.meta.url).href
export const VISITS_PER_MINUTE = 2_000
const DEVICES = 100
const RATE = 1_000
/** Before the first look, so that everything has been used and all that is bounded is full. */
const WARM_UP_SECONDS = 10
/** A closed connection is gone from the system's tables a moment later. */
const SETTLE_MS = 3_000

const InsideSchema = z.object({ timers: z.number(), sockets: z.number(), heapBytes: z.number() })

/** What the server holds, garbage collected. */
export interface Held { files: number, timers: number, sockets: number, heapMb: number, residentMb: number }
export interface Churn { visits: number, before: Held, after: Held }

export async function measureChurn(seconds: number, say: Say): Promise<Churn> {
  const broker = await startBroker('others')
  let inside: z.infer<typeof InsideSchema> | undefined
  // Without a history, and with a short memory for events: what grows for a while would hide what is left behind.
  const server = await startServer({
    env: { NUXT_MQTT_URL: broker.url, NUXT_HISTORY: 'off', NUXT_LIMITS_STREAM_LOG_BYTES: '65536' },
    place: 'measured',
    nodeArgs: ['--import', INSIDE],
    onMessage: (message) => { if ('inside' in message) inside = InsideSchema.parse(message.inside) },
  })
  async function look(): Promise<Held> {
    await until(async () => (await server.health()).streamClients === 0)
    await sleep(SETTLE_MS)
    inside = undefined
    server.send({ look: true })
    await Promise.race([until(() => inside !== undefined), server.failed])
    if (!inside) throw new Error('The server did not say what it holds.')
    const { timers, sockets, heapBytes } = inside
    return { files: server.openFiles(), timers, sockets, heapMb: megabytes(heapBytes), residentMb: megabytes(server.residentBytes()) }
  }
  try {
    await server.connected()
    const fleet = await startFleet(broker, DEVICES)
    fleet.rate(RATE)
    await visit(server, WARM_UP_SECONDS, () => {})
    const before = await look()
    const progress = createProgress('clients come and go', seconds, say)
    const visits = await visit(server, seconds, progress)
    const after = await look()
    await fleet.stop()
    return { visits, before, after }
  }
  finally {
    await server.stop()
    await broker.stop()
  }
}

/** Lets clients come and go; how many did. */
async function visit({ port, failed }: BenchServer, seconds: number, progress: (done: number) => void): Promise<number> {
  const state = { come: 0, left: 0, stopped: false }
  const worker = startWorker(VISITORS, {
    args: [String(port), String(VISITS_PER_MINUTE)],
    place: 'others',
    onMessage: message => void Object.assign(state, message),
  })
  const broken = Promise.race([worker.failed, failed])
  for (let second = 1; second <= seconds; second++) {
    await Promise.race([sleep(1_000), broken])
    progress(second)
  }
  worker.send({ stop: true })
  await Promise.race([until(() => state.stopped && state.left === state.come), broken])
  await worker.stop()
  return state.left
}
