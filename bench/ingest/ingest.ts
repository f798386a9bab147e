// Messages a second and CPU per message of the built server with one live client, beside a bare subscriber on the same broker, in
// turn: at QoS 1 with everything stored before it is acknowledged, and at QoS 0 without and with a history.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { count, median, table, verdict } from '../support/figures.ts'
import type { BenchOptions, Say } from '../support/bench.ts'
import { startBroker } from '../support/broker.ts'
import type { BenchBroker } from '../support/broker.ts'
import { measure } from './measure.ts'
import type { Measurement } from './measure.ts'
import { profileReport } from '../support/profile.ts'
import { RECEIVE_MAXIMUM, startFullServer, startYardstick } from './subscriber.ts'
import type { Case } from './subscriber.ts'

/** With fewer waiting, the subscriber may have had to wait for messages, and what was measured is the generator. */
const SATURATED = RECEIVE_MAXIMUM
const SECONDS = 6

interface Comparison extends Case { title: string, minRate?: number, maxCpu: number }

const COMPARISONS: Record<string, Comparison> = {
  stored: { title: 'QoS 1, stored at durability `full`', qos: 1, history: 'full', pinned: false, minRate: 0.9, maxCpu: 2 },
  live: { title: 'QoS 0, no history, a core for what is measured', qos: 0, history: 'off', pinned: true, maxCpu: 1.5 },
  liveStored: { title: 'QoS 0, stored at durability `normal`, a core for what is measured', qos: 0, history: 'normal', pinned: true, maxCpu: 3 },
}

export async function benchIngest(options: BenchOptions, say: Say) {
  const figures: Record<string, object> = {}
  for (const [name, comparison] of Object.entries(COMPARISONS)) figures[name] = await compare(comparison, options, say)
  return figures
}

async function compare(comparison: Comparison, { seconds = SECONDS, rounds, profile }: BenchOptions, say: Say) {
  const place = comparison.pinned ? 'others' as const : undefined
  const load = { qos: comparison.qos, ...(place && { place }) }
  const broker = await startBroker(place)
  say(`\nIngest: ${comparison.title}; three numbers a message, 1,000 devices, ${broker.what}`)
  try {
    const bare: Measurement[] = []
    const server: Measurement[] = []
    for (let round = 1; round <= rounds; round++) {
      bare.push(await measure(broker, await startYardstick(broker, comparison), load, seconds))
      server.push(await measure(broker, await startFullServer(broker, comparison), load, seconds))
      say(`round ${round} of ${rounds} done`)
    }
    const ratios = report(comparison, bare, server, say)
    if (profile) await benchProfile(broker, comparison, seconds, say)
    return { bare, server, ...ratios }
  }
  finally {
    await broker.stop()
  }
}

function report({ minRate, maxCpu }: Comparison, bare: Measurement[], server: Measurement[], say: Say) {
  const row = (name: string, { perSecond, cpuSecondsPerMillion, brokerLoad, waiting, messages }: Measurement) =>
    [name, count(perSecond), count(cpuSecondsPerMillion, 1), count(brokerLoad, 2), count(waiting), count(messages)]
  const rows = bare.flatMap((yardstick, i) => {
    const full = server[i]
    return [row(`bare subscriber ${i + 1}`, yardstick), ...(full ? [row(`server ${i + 1}`, full)] : [])]
  })
  say(`\n${table(['', 'messages/s', 'CPU s per million', 'broker’s CPUs', 'waiting', 'messages, none lost'], rows)}\n`)

  const ratio = (of: (measurement: Measurement) => number) => median(server.map(of)) / median(bare.map(of))
  const rate = ratio(({ perSecond }) => perSecond)
  const cpu = ratio(({ cpuSecondsPerMillion }) => cpuSecondsPerMillion)
  say(`rate, server / bare (medians): ${rate.toFixed(2)}${minRate === undefined ? '' : ` (target: at least ${minRate}, ${verdict(rate >= minRate)})`}`)
  say(`CPU, server / bare (medians):  ${cpu.toFixed(2)} (target: at most ${maxCpu}, ${verdict(cpu <= maxCpu)})`)
  const idle = [...bare, ...server].filter(({ waiting }) => waiting < SATURATED).length
  if (idle > 0) say(`Not saturated in ${idle} of the measurements: their rates are lower limits.`)
  return { rateRatio: rate, cpuRatio: cpu }
}

async function benchProfile(broker: BenchBroker, comparison: Comparison, seconds: number, say: Say) {
  const folder = mkdtempSync(join(tmpdir(), 'leitstand-profile-'))
  await measure(broker, await startFullServer(broker, comparison, folder), { qos: comparison.qos }, seconds)
  say(`\n${profileReport(folder)}`)
  rmSync(folder, { recursive: true })
}
