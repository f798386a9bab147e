// Messages a second and CPU per message of the built server (durable history, one live client), beside a bare subscriber on the
// same broker, in turn.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { count, median, table, verdict } from '../support/figures.ts'
import type { BenchOptions, Say } from '../support/options.ts'
import { startBroker } from '../support/broker.ts'
import type { BenchBroker } from '../support/broker.ts'
import { measure } from './measure.ts'
import type { Measurement } from './measure.ts'
import { profileReport } from '../support/profile.ts'
import { RECEIVE_MAXIMUM, startFullServer, startYardstick } from './subscriber.ts'

/** With fewer waiting, the subscriber may have had to wait for messages, and what was measured is the generator. */
const SATURATED = RECEIVE_MAXIMUM
const SECONDS = 12
const RATE_TARGET = 0.9
const CPU_TARGET = 2

export async function benchIngest({ seconds = SECONDS, rounds, profile }: BenchOptions, say: Say) {
  const broker = await startBroker()
  say(`\nIngest: QoS 1, three numbers a message, 1,000 devices, ${broker.what}`)
  try {
    const yardstick: Measurement[] = []
    const server: Measurement[] = []
    for (let round = 1; round <= rounds; round++) {
      yardstick.push(await measure(broker, await startYardstick(broker), seconds))
      server.push(await measure(broker, await startFullServer(broker), seconds))
      say(`round ${round} of ${rounds} done`)
    }
    const ratios = report(yardstick, server, say)
    if (profile) await benchProfile(broker, seconds, say)
    return { bare: yardstick, server, ...ratios }
  }
  finally {
    await broker.stop()
  }
}

function report(yardstick: Measurement[], server: Measurement[], say: Say) {
  const row = (name: string, { perSecond, cpuSecondsPerMillion, brokerLoad, waiting, messages }: Measurement) =>
    [name, count(perSecond), count(cpuSecondsPerMillion, 1), count(brokerLoad, 2), count(waiting), count(messages)]
  const rows = yardstick.flatMap((bare, i) => {
    const full = server[i]
    return [row(`bare subscriber ${i + 1}`, bare), ...(full ? [row(`server ${i + 1}`, full)] : [])]
  })
  say(`\n${table(['', 'messages/s', 'CPU s per million', 'broker’s CPUs', 'waiting', 'messages, none lost'], rows)}\n`)

  const ratio = (of: (measurement: Measurement) => number) => median(server.map(of)) / median(yardstick.map(of))
  const rate = ratio(({ perSecond }) => perSecond)
  const cpu = ratio(({ cpuSecondsPerMillion }) => cpuSecondsPerMillion)
  say(`rate, server / bare (medians): ${rate.toFixed(2)} (target: at least ${RATE_TARGET}, ${verdict(rate >= RATE_TARGET)})`)
  say(`CPU, server / bare (medians):  ${cpu.toFixed(2)} (target: at most ${CPU_TARGET}, ${verdict(cpu <= CPU_TARGET)})`)
  const idle = [...yardstick, ...server].filter(({ waiting }) => waiting < SATURATED).length
  if (idle > 0) say(`Not saturated in ${idle} of the measurements: their rates are lower limits.`)
  return { rateRatio: rate, cpuRatio: cpu }
}

async function benchProfile(broker: BenchBroker, seconds: number, say: Say) {
  const folder = mkdtempSync(join(tmpdir(), 'leitstand-profile-'))
  await measure(broker, await startFullServer(broker, folder), seconds)
  say(`\n${profileReport(folder)}`)
  rmSync(folder, { recursive: true })
}
