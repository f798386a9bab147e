// Frames a second and CPU per frame of the built server with many clients, beside a bare broadcast of ready bytes to as many.
import { startBroker } from '../support/broker.ts'
import type { BenchBroker } from '../support/broker.ts'
import { count, table, verdict } from '../support/figures.ts'
import { makeFolder } from '../support/folder.ts'
import type { BenchOptions, Say } from '../support/options.ts'
import { profileReport } from '../support/profile.ts'
import { measure } from './measure.ts'
import type { Measurement, Phase } from './measure.ts'
import { startServerSide, startYardstickSide } from './sides.ts'
import type { Side } from './sides.ts'

const CLIENTS = 1_000
const STEADY = 60
const FASTEST = 0
const BATCHED = 1_000
const BATCH_MS = 100
const PARTS = 3
const RATE_TARGET = 0.9
const CPU_TARGET = 1.15
const P99_TARGET_MS = 100
const LOAD_TARGET = 1
/** Above this the process with the clients had no time left. */
const BUSY = 0.9

interface Pair { bare: Measurement, server: Measurement }

export async function benchFanout({ seconds, profile }: BenchOptions, say: Say) {
  const every: Phase = { path: '/ws/events', clients: CLIENTS, rates: [STEADY, FASTEST], seconds: seconds / PARTS }
  const batch: Phase = { ...every, path: `/ws/events?batch=${BATCH_MS}`, rates: [BATCHED] }
  const broker = await startBroker('others')
  say(`\nFan-out: ${count(CLIENTS)} clients, three numbers and a stamp a message, QoS 1, history off, ${broker.what}`)
  try {
    const [steady, fastest] = await both(broker, every, 1, say)
    const [batched] = await both(broker, batch, BATCHED * BATCH_MS / 1_000, say)
    if (!steady || !fastest || !batched) throw new Error('Nothing was measured.')
    const ratios = report({ steady, fastest, batched }, say)
    if (profile) await benchProfile(broker, every, say)
    return { steady, fastest, batched, ...ratios }
  }
  finally {
    await broker.stop()
  }
}

/** First the yardstick, then the server, on the same processor. */
async function both(broker: BenchBroker, phase: Phase, eventsPerFrame: number, say: Say): Promise<Pair[]> {
  const bare = await finished(await startYardstickSide(eventsPerFrame), phase)
  say(`${phase.path}: bare broadcast done`)
  const server = await finished(await startServerSide(broker), phase)
  say(`${phase.path}: server done`)
  return bare.flatMap((measurement, i) => server[i] ? [{ bare: measurement, server: server[i] }] : [])
}

async function finished(side: Side, phase: Phase): Promise<Measurement[]> {
  const found = await measure(side, phase)
  await side.stop()
  return found
}

function report({ steady, fastest, batched }: Record<'steady' | 'fastest' | 'batched', Pair>, say: Say) {
  const parts = [[`${STEADY} messages/s`, steady], ['as fast as possible', fastest], [`${count(BATCHED)} messages/s, batch=${BATCH_MS}`, batched]] as const
  const row = (name: string, { latency, ...of }: Measurement) =>
    [name, count(of.eventsPerSecond), count(of.cpuSecondsPerMillion, 2), count(of.load, 2), count(of.clientsLoad, 2), count(latency.p50Ms, 1), count(latency.p99Ms, 1), count(of.bytesPerEvent), count(of.messages)]
  const heads = ['', 'events/s', 'CPU s per million', 'its CPUs', 'clients’ CPUs', 'p50 ms', 'p99 ms', 'bytes an event', 'messages, all at each client']
  say(`\n${table(heads, parts.flatMap(([name, { bare, server }]) => [row(`bare, ${name}`, bare), row(`server, ${name}`, server)]))}\n`)

  const rateRatio = fastest.server.eventsPerSecond / fastest.bare.eventsPerSecond
  const cpuOf = ({ bare, server }: Pair) => server.cpuSecondsPerMillion / bare.cpuSecondsPerMillion
  const cpuRatios = { steady: cpuOf(steady), fastest: cpuOf(fastest), batched: cpuOf(batched) }
  say(`rate, server / bare, as fast as possible: ${rateRatio.toFixed(2)} (target: at least ${RATE_TARGET}, ${verdict(rateRatio >= RATE_TARGET)})`)
  say(`CPU, server / bare, as fast as possible:  ${cpuRatios.fastest.toFixed(2)} (target: at most ${CPU_TARGET}, ${verdict(cpuRatios.fastest <= CPU_TARGET)})`)
  say(`CPU, server / bare, ${STEADY} messages/s:       ${cpuRatios.steady.toFixed(2)} (target: at most ${CPU_TARGET}, ${verdict(cpuRatios.steady <= CPU_TARGET)})`)
  say(`p99 at ${STEADY} messages/s: ${steady.server.latency.p99Ms.toFixed(1)} ms (target: under ${P99_TARGET_MS}, ${verdict(steady.server.latency.p99Ms < P99_TARGET_MS)})`)
  say(`batch=${BATCH_MS} at ${count(BATCHED)} messages/s: ${batched.server.load.toFixed(2)} of a processor (target: under ${LOAD_TARGET}, ${verdict(batched.server.load < LOAD_TARGET)})`)
  for (const [name, pair] of parts) {
    const busy = Object.entries(pair).flatMap(([side, { clientsLoad }]) => clientsLoad > BUSY ? [side] : [])
    if (busy.length > 0) say(`The clients could do no more (${name}: ${busy.join(', ')}): that rate is a lower limit.`)
  }
  return { rateRatio, cpuRatios }
}

async function benchProfile(broker: BenchBroker, phase: Phase, say: Say) {
  const folder = makeFolder()
  await finished(await startServerSide(broker, folder.path), { ...phase, rates: [STEADY] })
  say(`\n${profileReport(folder.path)}`)
  folder.remove()
}
