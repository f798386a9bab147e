// Frames a second and CPU per frame of the built server with many clients, beside a bare broadcast of ready bytes to as many.
import { startBroker } from '../support/broker.ts'
import type { BenchBroker } from '../support/broker.ts'
import { count } from '../support/figures.ts'
import { makeFolder } from '../support/folder.ts'
import type { BenchOptions, Say } from '../support/bench.ts'
import { profileReport } from '../support/profile.ts'
import { assemble, dismiss, measure } from './measure.ts'
import { BATCH_MS, BATCHED, CLIENTS, FASTEST, report, STEADY } from './report.ts'
import type { Pairs } from './report.ts'
import { startServerSide, startYardstickSide } from './sides.ts'

const EVERY = '/ws/events'
const BATCH = `/ws/events?batch=${BATCH_MS}`
const SECONDS = 1.5
const PROFILE_SECONDS = 8

export async function benchFanout({ seconds = SECONDS, rounds, profile }: BenchOptions, say: Say) {
  const broker = await startBroker('others')
  say(`\nFan-out: ${count(CLIENTS)} clients, three numbers and a stamp a message, QoS 1, history off, ${broker.what}`)
  try {
    const measureIn = (path: string, eventsPerFrame: number, rates: number[]) => inTurn(broker, path, eventsPerFrame, { rates, seconds, rounds }, say)
    const [steady, fastest] = await measureIn(EVERY, 1, [STEADY, FASTEST])
    const [batched] = await measureIn(BATCH, BATCHED * BATCH_MS / 1_000, [BATCHED])
    if (!steady || !fastest || !batched) throw new Error('Nothing was measured.')
    const ratios = report({ steady, fastest, batched }, say)
    if (profile) await benchProfile(broker, say)
    return { steady, fastest, batched, ...ratios }
  }
  finally {
    await broker.stop()
  }
}

interface Plan { rates: number[], seconds: number, rounds: number }

/** The bare broadcast and the server, each with its clients, in turn on the same processor: while one sends the other rests. */
async function inTurn(broker: BenchBroker, path: string, eventsPerFrame: number, { rates, seconds, rounds }: Plan, say: Say): Promise<Pairs[]> {
  const bare = await assemble(await startYardstickSide(eventsPerFrame), path, CLIENTS)
  const server = await assemble(await startServerSide(broker), path, CLIENTS)
  const pairs = rates.map((): Pairs => ({ bare: [], server: [] }))
  for (let round = 1; round <= rounds; round++) {
    for (const [i, rate] of rates.entries()) {
      pairs[i]?.bare.push(await measure(bare, rate, seconds))
      pairs[i]?.server.push(await measure(server, rate, seconds))
    }
    say(`${path}: round ${round} of ${rounds} done`)
  }
  await dismiss(bare)
  await dismiss(server)
  return pairs
}

async function benchProfile(broker: BenchBroker, say: Say) {
  const folder = makeFolder()
  const server = await assemble(await startServerSide(broker, folder.path), EVERY, CLIENTS)
  await measure(server, STEADY, PROFILE_SECONDS)
  await dismiss(server)
  say(`\n${profileReport(folder.path)}`)
  folder.remove()
}
