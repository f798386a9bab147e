import { setTimeout as sleep } from 'node:timers/promises'
import type { Latencies } from '../latency/latencies.ts'
import { until } from '../support/until.ts'
import { startCrowd } from './crowd.ts'
import type { Crowd } from './crowd.ts'
import type { Side } from './sides.ts'

const WARM_UP_MS = 500
/** Nothing comes any more: something was lost on the way. */
const STALLED_MS = 10_000

export interface Measurement {
  /** At all clients together. */
  eventsPerSecond: number
  /** Of the measured process alone, per million events. */
  cpuSecondsPerMillion: number
  /** CPU seconds a second of the measured process, and of the one with the clients: near 1 it could do no more. */
  load: number
  clientsLoad: number
  bytesPerEvent: number
  /** From the publisher's write to the client's read. */
  latency: Latencies
  /** All that were sent to each client, warm-up included: every client got every one of them, in order. */
  messages: number
}

/** One of the two with its clients. */
export interface Party { side: Side, crowd: Crowd }

/** Connects the clients. */
export async function assemble(side: Side, path: string, clients: number): Promise<Party> {
  return { side, crowd: await Promise.race([startCrowd(side.port, path, clients, side.received), side.failed]) }
}

export async function dismiss({ side, crowd }: Party) {
  await crowd.stop()
  await side.stop()
}

/** At `rate` messages a second, or as fast as the clients take them (0). @throws when a client has not got all. */
export async function measure(party: Party, rate: number, seconds: number): Promise<Measurement> {
  return Promise.race([measureAt(party, rate, seconds), party.side.failed, party.crowd.failed])
}

async function measureAt({ side, crowd }: Party, rate: number, seconds: number): Promise<Measurement> {
  const before = side.sent()
  side.send(rate)
  await sleep(WARM_UP_MS)
  await crowd.take()
  const first = look(side, crowd)
  await sleep(seconds * 1_000)
  const last = look(side, crowd)
  const latency = await crowd.take()
  const sent = await side.pause()
  await allArrived(crowd, sent)
  const events = last.events - first.events
  const elapsed = (last.at - first.at) / 1_000
  return {
    eventsPerSecond: events / elapsed,
    cpuSecondsPerMillion: (last.cpu - first.cpu) / events * 1_000_000,
    load: (last.cpu - first.cpu) / elapsed,
    clientsLoad: (last.clientsCpu - first.clientsCpu) / elapsed,
    bytesPerEvent: (last.bytes - first.bytes) / events,
    latency,
    messages: sent - before,
  }
}

function look(side: Side, crowd: Crowd) {
  return { ...crowd.arrived(), at: performance.now(), cpu: side.cpuSeconds(), clientsCpu: crowd.cpuSeconds() }
}

/** @throws when a client is short of messages, or has more than were sent. */
async function allArrived({ clients, arrived }: Crowd, sent: number) {
  let progress = { events: -1, at: performance.now() }
  await until(() => {
    const { events } = arrived()
    if (events > progress.events) progress = { events, at: performance.now() }
    return events >= sent * clients || performance.now() - progress.at > STALLED_MS
  })
  const { least, most } = arrived()
  if (least !== sent || most !== sent) throw new Error(`Of ${sent} messages sent, one client got ${least}, another ${most}.`)
}
