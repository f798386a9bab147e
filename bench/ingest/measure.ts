import { setTimeout as sleep } from 'node:timers/promises'
import { startWorker } from '../support/child.ts'
import type { Place } from '../support/child.ts'
import { median } from '../support/figures.ts'
import type { BenchBroker } from '../support/broker.ts'
import type { Subscriber } from './subscriber.ts'

/**
 * How far the generator may be ahead: nobody gets through this many between two reports. Not more, because Mosquitto sends a
 * backlog without regard to the receive maximum (seen with 2.0.11), and its answer to a ping then waits behind all of it.
 */
const AHEAD = 10_000
const WARM_UP_MS = 4_000
const POLL_MS = 25
/** Nothing comes any more: something was lost on the way. */
const STALLED_MS = 30_000
const GENERATOR = new URL('generator.ts', import.meta.url).pathname

export interface Measurement {
  perSecond: number
  /** Of the subscriber's process alone. */
  cpuSecondsPerMillion: number
  /** Of the broker, as a share of one processor: near 1 it is the broker that cannot do more. */
  brokerLoad: number
  /** Messages that were waiting for the subscriber, the median of all looks during the measurement. */
  waiting: number
  messages: number
}

export interface Load { qos: 0 | 1, place?: Place }

/** Sends the subscriber more than it can take, measures, and lets it finish. */
export async function measure(broker: BenchBroker, subscriber: Subscriber, { qos, place }: Load, seconds: number): Promise<Measurement> {
  const state = { sent: 0, stopped: false }
  const generator = startWorker(GENERATOR, {
    args: [String(broker.port), String(AHEAD), String(qos)],
    ...(place && { place }),
    onMessage(message) {
      if ('sent' in message) state.sent = Number(message.sent)
      if ('stopped' in message) state.stopped = message.stopped === true
    },
  })
  const failed = Promise.race([generator.failed, subscriber.failed, broker.failed])
  let progress = { received: 0, at: performance.now() }
  async function look(): Promise<Look> {
    await Promise.race([sleep(POLL_MS), failed])
    const at = performance.now()
    const received = subscriber.received()
    generator.send({ received })
    if (received > progress.received) progress = { received, at }
    if (at - progress.at > STALLED_MS) throw new Error(`Nothing has come for ${STALLED_MS / 1_000} s after ${received} of ${state.sent} messages.`)
    return { received, at, cpu: subscriber.cpuSeconds(), brokerCpu: broker.cpuSeconds(), waiting: state.sent - received }
  }
  async function watch(forMs: number) {
    const looks = [await look()]
    for (const end = performance.now() + forMs; performance.now() < end;) looks.push(await look())
    return looks
  }

  await watch(WARM_UP_MS)
  const looks = await watch(seconds * 1_000)
  generator.send({ stop: true })
  for (let done = false; !done;) done = (await look()).waiting <= 0 && state.stopped
  await generator.stop()
  await subscriber.finish(state.sent)
  return figures(looks, state.sent)
}

interface Look { received: number, at: number, cpu: number, brokerCpu: number, waiting: number }

function figures(looks: readonly Look[], messages: number): Measurement {
  const [first, last] = [looks[0], looks.at(-1)]
  if (!first || !last) throw new Error('Nothing was measured.')
  const taken = last.received - first.received
  return {
    perSecond: taken / (last.at - first.at) * 1_000,
    cpuSecondsPerMillion: (last.cpu - first.cpu) / taken * 1_000_000,
    brokerLoad: (last.brokerCpu - first.brokerCpu) / (last.at - first.at) * 1_000,
    waiting: median(looks.map(({ waiting }) => waiting)),
    messages,
  }
}
