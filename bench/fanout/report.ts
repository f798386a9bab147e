import { count, median, table, verdict } from '../support/figures.ts'
import type { Say } from '../support/bench.ts'
import type { Measurement } from './measure.ts'

export const CLIENTS = 1_000
/** Messages a second. */
export const STEADY = 60
export const FASTEST = 0
export const BATCHED = 1_000
export const BATCH_MS = 100

const RATE_TARGET = 0.9
const CPU_TARGET = 1.15
const P99_TARGET_MS = 100
const LOAD_TARGET = 1
/** With less than this of its processor the measured process could have done more. */
const BUSY = 0.9

/** Both at one rate, round by round. */
export interface Pairs { bare: Measurement[], server: Measurement[] }
type Parts = Record<'steady' | 'fastest' | 'batched', Pairs>

/** Says what was measured and whether it is enough; the ratios. */
export function report({ steady, fastest, batched }: Parts, say: Say) {
  const parts = [[`${STEADY} messages/s`, steady], ['as fast as possible', fastest], [`${count(BATCHED)} messages/s, batch=${BATCH_MS}`, batched]] as const
  say(`\n${table(HEADS, parts.flatMap(([name, { bare, server }]) => [row(`bare, ${name}`, bare), row(`server, ${name}`, server)]))}\n`)

  const rateRatio = ratio(fastest, ({ eventsPerSecond }) => eventsPerSecond)
  const cpu = (pairs: Pairs) => ratio(pairs, ({ cpuSecondsPerMillion }) => cpuSecondsPerMillion)
  const cpuRatios = { steady: cpu(steady), fastest: cpu(fastest), batched: cpu(batched) }
  const p99Ms = middle(steady.server, ({ latency }) => latency.p99Ms)
  const load = middle(batched.server, of => of.load)
  say(`rate, server / bare, as fast as possible: ${rateRatio.toFixed(2)} (target: at least ${RATE_TARGET}, ${verdict(rateRatio >= RATE_TARGET)})`)
  say(`CPU, server / bare, as fast as possible:  ${cpuRatios.fastest.toFixed(2)} (target: at most ${CPU_TARGET}, ${verdict(cpuRatios.fastest <= CPU_TARGET)})`)
  say(`CPU, server / bare, ${STEADY} messages/s:       ${cpuRatios.steady.toFixed(2)} (target: at most ${CPU_TARGET}, ${verdict(cpuRatios.steady <= CPU_TARGET)})`)
  say(`server’s p99 at ${STEADY} messages/s: ${p99Ms.toFixed(1)} ms (target: under ${P99_TARGET_MS}, ${verdict(p99Ms < P99_TARGET_MS)})`)
  say(`server’s CPUs at ${count(BATCHED)} messages/s, batch=${BATCH_MS}: ${load.toFixed(2)} (target: under ${LOAD_TARGET}, ${verdict(load < LOAD_TARGET)})`)
  for (const [name, measurements] of Object.entries(fastest)) {
    if (middle(measurements, of => of.load) < BUSY) say(`As fast as possible: ${name} had CPU time left and waited for clients or messages; its rate is a lower limit.`)
  }
  return { rateRatio, cpuRatios, steadyP99Ms: p99Ms, batchedLoad: load }
}

const HEADS = ['medians', 'events/s', 'CPU s per million', 'its CPUs', 'clients’ CPUs', 'p50 ms', 'p99 ms', 'bytes an event', 'messages, all at each client']

function row(name: string, of: readonly Measurement[]): string[] {
  const cells = [
    [middle(of, ({ eventsPerSecond }) => eventsPerSecond), 0],
    [middle(of, ({ cpuSecondsPerMillion }) => cpuSecondsPerMillion), 2],
    [middle(of, ({ load }) => load), 2],
    [middle(of, ({ clientsLoad }) => clientsLoad), 2],
    [middle(of, ({ latency }) => latency.p50Ms), 1],
    [middle(of, ({ latency }) => latency.p99Ms), 1],
    [middle(of, ({ bytesPerEvent }) => bytesPerEvent), 0],
    [of.reduce((sum, { messages }) => sum + messages, 0), 0],
  ] as const
  return [name, ...cells.map(([value, digits]) => count(value, digits))]
}

function middle(measurements: readonly Measurement[], of: (measurement: Measurement) => number): number {
  return median(measurements.map(of))
}

/** What the server has by what the bare broadcast has. */
function ratio({ bare, server }: Pairs, of: (measurement: Measurement) => number): number {
  return middle(server, of) / middle(bare, of)
}
