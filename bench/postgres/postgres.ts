// Samples a second into PostgreSQL, beside a bare COPY of the same samples in the same run, and the charts of what lies there then.
import type { Telemetry } from '#shared/schemas/telemetry'
import { createPostgresHistory } from '../../server/history/postgres/history.ts'
import type { History } from '../../server/history/contract.ts'
import { startPostgres } from '../../tools/programs/postgres.ts'
import { count, median, table, verdict } from '../support/figures.ts'
import type { BenchOptions, Say } from '../support/bench.ts'
import { createProgress } from '../support/progress.ts'
import { copyRows } from './yardstick.ts'

const DEVICES = 1_000
const METRICS = 3
const DAY_MS = 86_400_000
const TARGET_SAMPLES = 30_000
const TARGET_CHART_MS = 20
const CHARTS = 200
const PACKET_IDS = 65_535

export async function benchPostgres({ samples }: BenchOptions, say: Say) {
  say(`\nPostgreSQL: ${count(DEVICES)} devices, ${METRICS} numbers a message, a day that ends now; turns of 1,000 messages, each on disk before the next (durability full)`)
  const database = await startPostgres()
  const history = createPostgresHistory({
    url: database.url, durability: 'full', unacknowledged: 1_000,
    retention: { rawDays: 0, minuteDays: 0, hourDays: 0, bytes: Number.MAX_SAFE_INTEGER },
    stateOf: deviceId => JSON.stringify({ deviceId }),
    onFault: (reason) => { if (reason !== null) throw new Error(reason) },
    onOpen: () => {},
  })
  try {
    await history.open()
    const rounds = Math.max(1, Math.round(samples / DEVICES / METRICS))
    const stored = await fill(history, rounds, say)
    const { bytes } = await history.storage()
    const copied = await copyRows(database, rounds, DEVICES, METRICS)
    const chartMs = await askForCharts(history, rounds)
    return report({ samples: rounds * DEVICES * METRICS, ...stored, copied, chartMs, bytes }, say)
  }
  finally {
    await history.close()
    await database.remove()
  }
}

/** As the server stores them: packing goes on meanwhile; the time ends when everything is packed. */
async function fill(history: History, rounds: number, say: Say) {
  const progress = createProgress(`filling with ${count(rounds * DEVICES * METRICS)} samples`, rounds, say)
  const first = Date.now() - DAY_MS
  const begin = performance.now()
  let packetId = 0
  let slowest = 0
  for (let round = 0; round < rounds; round++) {
    for (let device = 0; device < DEVICES; device++) {
      const ts = new Date(first + round * DAY_MS / rounds + device).toISOString()
      const value: Telemetry = { deviceId: nameOf(device), ts, receivedAt: ts, metrics: { tempC: walk(round, device, 2), humidity: walk(round, device + 7, 1), powerW: walk(round, device + 13, 0) } }
      const body = JSON.stringify(value)
      history.append({ kind: 'telemetry', value, body, delivery: { packetId: 1 + packetId++ % PACKET_IDS, topic: `sensors/${value.deviceId}/telemetry`, payload: Buffer.from(body), redelivered: false } })
    }
    const asked = performance.now()
    if (!await new Promise<boolean>(resolve => history.commit(resolve))) throw new Error(history.fault() ?? 'A turn was not kept.')
    slowest = Math.max(slowest, performance.now() - asked)
    progress(round + 1)
  }
  await history.packAll()
  return { seconds: (performance.now() - begin) / 1_000, slowestCommitMs: slowest }
}

async function askForCharts(history: History, rounds: number): Promise<number[]> {
  const to = Date.now() * 1_000
  const times: number[] = []
  for (let i = 0; i < CHARTS; i++) {
    const begin = performance.now()
    const answer = await history.thinned({ deviceId: nameOf(i * 37 % DEVICES), metric: 'tempC', unit: null, from: to - DAY_MS * 1_000, to }, 500)
    times.push(performance.now() - begin)
    // A chart without points would be fast.
    if (answer.points.length < Math.min(rounds, 400) * 0.9) throw new Error(`The chart has only ${answer.points.length} points.`)
  }
  return times
}

interface Figures { samples: number, seconds: number, slowestCommitMs: number, copied: { seconds: number }, chartMs: number[], bytes: number }

function report({ samples, seconds, slowestCommitMs, copied, chartMs, bytes }: Figures, say: Say) {
  const perSecond = samples / seconds
  const copiedPerSecond = samples / copied.seconds
  const chart = median(chartMs)
  say(`\n${table(['', 'samples/s', '', `target: at least ${count(TARGET_SAMPLES)}`], [
    ['stored and packed', count(perSecond), `slowest commit ${count(slowestCommitMs, 1)} ms`, verdict(perSecond >= TARGET_SAMPLES)],
    ['bare COPY of the same samples as rows, no index', count(copiedPerSecond), `${count(100 * perSecond / copiedPerSecond)} % of it`, ''],
  ])}`)
  say(`\n${table(['a day’s chart of one device, ms', 'median', 'slowest', `target: median under ${TARGET_CHART_MS} ms`], [
    [`of ${count(DEVICES)}, among ${count(samples)} samples`, count(chart, 1), count(Math.max(...chartMs), 1), verdict(chart < TARGET_CHART_MS)],
  ])}`)
  say(`\n${count(bytes)} bytes in all, ${count(bytes / samples, 1)} a sample`)
  return { samples, samplesPerSecond: perSecond, copiedSamplesPerSecond: copiedPerSecond, slowestCommitMs, chartMedianMs: chart, chartSlowestMs: Math.max(...chartMs), bytes }
}

function nameOf(device: number): string {
  return `bench-${String(device).padStart(4, '0')}`
}

/** A value that goes up and down, with some noise. */
function walk(round: number, device: number, digits: number): number {
  return Number((20 + 10 * Math.sin(round / 50 + device) + Math.random()).toFixed(digits))
}
