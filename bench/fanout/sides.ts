// The two that are measured, with what makes them send.
import { nextFreePort } from '../../tools/simulator/demo/ports.ts'
import type { BenchBroker } from '../support/broker.ts'
import { startWorker } from '../support/child.ts'
import { startServer } from '../support/server.ts'
import { until } from '../support/until.ts'

const PUBLISHER = new URL('publisher.ts', import.meta.url).pathname
const YARDSTICK = new URL('yardstick.ts', import.meta.url).pathname
const FIRST_PORT = 3800

export interface Side {
  port: number
  failed: Promise<never>
  cpuSeconds: () => number
  /** Messages a second from now on; 0: as many as the slowest client takes. */
  send: (perSecond: number) => void
  /** By how many messages the slowest client has. */
  received: (least: number) => void
  sent: () => number
  /** Sends no more; how many messages there were. */
  pause: () => Promise<number>
  stop: () => Promise<void>
}

/** The built server without history, and its publisher. @param profileFolder Where to write a profile. */
export async function startServerSide(broker: BenchBroker, profileFolder?: string): Promise<Side> {
  const server = await startServer({
    place: 'measured',
    nodeArgs: profileFolder === undefined ? [] : ['--cpu-prof', '--cpu-prof-dir', profileFolder],
    env: { NUXT_MQTT_URL: broker.url, NUXT_HISTORY: 'off', NUXT_MQTT_SESSION_EXPIRY_SECONDS: '0' },
  })
  await server.connected()
  const publisher = startSender(PUBLISHER, [String(broker.port)], 'others')
  return {
    ...publisher,
    port: server.port,
    failed: Promise.race([server.failed, publisher.failed, broker.failed]),
    cpuSeconds: server.cpuSeconds,
    async stop() {
      await publisher.stop()
      await server.stop()
    },
  }
}

/** A bare `ws` server with as many events in a frame. */
export async function startYardstickSide(eventsPerFrame: number): Promise<Side> {
  const port = await nextFreePort(FIRST_PORT)
  const yardstick = startSender(YARDSTICK, [String(port), String(eventsPerFrame)], 'measured')
  await Promise.race([until(yardstick.ready), yardstick.failed])
  return { ...yardstick, port }
}

/** A process that sends as `pace.ts` has it. */
export function startSender(script: string, args: string[], place: 'measured' | 'others') {
  let ready = false
  let state = { sent: 0, stopped: true }
  const worker = startWorker(script, {
    args,
    place,
    onMessage(message) {
      if ('ready' in message) ready = true
      if ('sent' in message) state = { sent: Number(message.sent), stopped: 'stopped' in message && message.stopped === true }
    },
  })
  return {
    failed: worker.failed,
    cpuSeconds: worker.cpuSeconds,
    stop: worker.stop,
    ready: () => ready,
    send(perSecond: number) {
      state.stopped = false
      worker.send({ perSecond })
    },
    received: (least: number) => worker.send({ received: least }),
    sent: () => state.sent,
    async pause() {
      worker.send({ stop: true })
      await Promise.race([until(() => state.stopped), worker.failed])
      return state.sent
    },
  }
}
