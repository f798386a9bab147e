import { startWorker } from './child.ts'
import type { BenchBroker } from './broker.ts'
import type { BenchServer } from './server.ts'
import { until } from './until.ts'

const PUBLISHER = new URL('fleet-publisher.ts', import.meta.url).pathname
/** Messages a second with which a fleet introduces itself. */
const FILL_RATE = 10_000

export interface Fleet {
  failed: Promise<never>
  /** Publishes this many messages a second from now on, all devices in turn. */
  rate: (perSecond: number) => void
  /** Sends a message of each device and stops; resolves when the server has accepted what was sent. */
  introduce: (server: BenchServer) => Promise<void>
  stop: () => Promise<void>
}

/** Devices that send what they are told, from a process of their own. */
export async function startFleet({ port }: BenchBroker, devices: number): Promise<Fleet> {
  const state = { sent: 0, ready: false }
  const worker = startWorker(PUBLISHER, {
    args: [String(port), String(devices)],
    place: 'others',
    onMessage: message => void Object.assign(state, message),
  })
  const failed = worker.failed
  await Promise.race([until(() => state.ready), failed])
  const rate = (perSecond: number) => worker.send({ rate: perSecond })
  return {
    failed,
    rate,
    stop: worker.stop,
    async introduce(server) {
      const target = state.sent + devices
      rate(FILL_RATE)
      await Promise.race([until(() => state.sent >= target), failed, server.failed])
      rate(0)
      await Promise.race([until(async () => (await server.health()).messages.accepted === state.sent), failed, server.failed])
    },
  }
}
