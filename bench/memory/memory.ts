// Resident memory of the built server with many devices, the time it takes to start, and what clients that come and go leave behind.
import { setTimeout as sleep } from 'node:timers/promises'
import { startBroker } from '../support/broker.ts'
import { startWorker } from '../support/child.ts'
import { count, median, table, verdict } from '../support/figures.ts'
import { startFleet } from '../support/fleet.ts'
import type { BenchOptions, Say } from '../support/bench.ts'
import { megabytes, watchMemory } from '../support/resident.ts'
import type { Resident } from '../support/resident.ts'
import { startServer } from '../support/server.ts'
import type { BenchServer } from '../support/server.ts'
import { until } from '../support/until.ts'
import { measureChurn, VISITS_PER_MINUTE } from './churn.ts'
import type { Churn, Held } from './churn.ts'

const STREAM_READER = new URL('../support/stream-reader.ts', import.meta.url).pathname
/** Growth is told by the first; the other is looked at for no longer than a minute. */
const FLEETS = [{ devices: 10_000, targetMb: 150, mostSeconds: Infinity }, { devices: 100_000, targetMb: 300, mostSeconds: 60 }]
/** Messages of each device before its memory is looked at. */
const MESSAGES_EACH = 2
const SECONDS = 8
const RATE = 1_000
const START_TARGET_MS = 700
/** Anything shorter says nothing about growth: the history keeps half an hour in memory before it packs. */
const GROWTH_SECONDS = 1_800
const CHURN_SECONDS_PER_SECOND = 5
const MOST_CHURN_SECONDS = 300
const CHURN_HEAP_TARGET_MB = 1
const RETRY_MS = 5
const SETTLE_MS = 2_000

interface FleetMemory extends Resident { devices: number, targetMb: number, idleMb: number, filledMb: number, snapshotMb: number }

export async function benchMemory({ seconds = SECONDS, rounds }: BenchOptions, say: Say) {
  say(`\nMemory: history on, one stream client, ${count(RATE)} messages/s for ${seconds} s`)
  const startMs: number[] = []
  for (let round = 0; round < rounds; round++) startMs.push(await measureStart())
  const fleets: FleetMemory[] = []
  for (const { devices, targetMb, mostSeconds } of FLEETS) {
    fleets.push({ ...await measureFleet(devices, Math.min(seconds, mostSeconds)), devices, targetMb })
    say(`${count(devices)} devices: measured`)
  }
  const churn = await measureChurn(Math.min(seconds * CHURN_SECONDS_PER_SECOND, MOST_CHURN_SECONDS), say)
  return report({ startMs, fleets, churn }, seconds, say)
}

/** From the start of the process, on an empty folder, to its first answer. */
async function measureStart(): Promise<number> {
  const server = await startServer({ env: { NUXT_MQTT_URL: 'mqtt://127.0.0.1:1' }, place: 'measured' })
  const ms = await firstAnswer(server)
  await server.stop()
  return ms
}

async function firstAnswer({ url, startedAt, failed }: BenchServer): Promise<number> {
  const answers = async () => (await fetch(`${url}/api/sensors`)).ok
  await Promise.race([until(answers, RETRY_MS), failed])
  return performance.now() - startedAt
}

async function measureFleet(devices: number, seconds: number) {
  const broker = await startBroker('others')
  const server = await startServer({ env: { NUXT_MQTT_URL: broker.url }, place: 'measured' })
  try {
    await server.connected()
    const idleMb = megabytes(server.residentBytes())
    const viewer = startWorker(STREAM_READER, { args: [String(server.port)], place: 'others' })
    const fleet = await startFleet(broker, devices)
    for (let i = 0; i < MESSAGES_EACH; i++) await fleet.introduce(server)
    const filledMb = megabytes(server.residentBytes())
    const snapshot = await (await fetch(`${server.url}/api/sensors`)).arrayBuffer()
    fleet.rate(RATE)
    const failed = Promise.race([server.failed, broker.failed, viewer.failed, fleet.failed])
    // What the answer took is given back.
    await Promise.race([sleep(SETTLE_MS), failed])
    const resident = await Promise.race([watchMemory(server, seconds), failed])
    await fleet.stop()
    await viewer.stop()
    return { ...resident, idleMb, filledMb, snapshotMb: megabytes(snapshot.byteLength) }
  }
  finally {
    await server.stop()
    await broker.stop()
  }
}

function report({ startMs, fleets, churn }: { startMs: number[], fleets: FleetMemory[], churn: Churn }, seconds: number, say: Say) {
  const start = median(startMs)
  say(`\nfirst answer ${count(start)} ms after the start (median of ${startMs.length}; target: under ${START_TARGET_MS} ms, ${verdict(start < START_TARGET_MS)})`)
  const rows = fleets.map(({ devices, targetMb, idleMb, filledMb, snapshotMb, highestMb, firstMb, lastMb }) => [
    count(devices), count(idleMb), count(filledMb), count(snapshotMb, 1), count(firstMb), count(lastMb), count(highestMb),
    `${count(targetMb)}, ${verdict(highestMb < targetMb)}`,
  ])
  say(`\n${table(['devices', 'RSS before, MB', 'filled', 'the snapshot', 'under load: first quarter', 'last quarter', 'highest', 'target: highest under'], rows)}`)
  if (seconds < GROWTH_SECONDS) say(`Growth is told by ${count(GROWTH_SECONDS)} s of load: --seconds ${GROWTH_SECONDS}.`)
  const { before, after, visits } = churn
  const row = (name: string, held: Held) => [name, count(held.files), count(held.sockets), count(held.timers), count(held.heapMb, 1), count(held.residentMb)]
  const same = after.files === before.files && after.timers === before.timers && after.sockets === before.sockets
  const asBefore = same && after.heapMb - before.heapMb < CHURN_HEAP_TARGET_MB
  say(`\n${table([`${count(visits)} clients, ${count(VISITS_PER_MINUTE)} a minute`, 'open files', 'sockets', 'timers', 'heap without garbage, MB', 'RSS, MB'], [row('before', before), row('after', after)])}`)
  say(`as before: ${verdict(asBefore)}`)
  return { startMs, fleets, churn, asBefore }
}
