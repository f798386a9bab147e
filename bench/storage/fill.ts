import type { Telemetry } from '#shared/schemas/telemetry'
import type { History } from '../../server/history/contract.ts'
import type { LastMessages } from '../support/history.ts'
import type { Say } from '../support/bench.ts'
import { createProgress } from '../support/progress.ts'

const INTERVAL_MS = 30_000
/** More than two days, so that there is a day to prune. */
const ROUNDS = 6_667
/** Half an hour: after it the server packs a device that has not sent 500 messages before. */
const PACK_ROUNDS = 60
const PACKET_IDS = 65_535
const DAY_MS = 86_400_000
const HOUR_MS = 3_600_000
const YEAR_MS = 365 * DAY_MS
/** Of the last day of the devices whose charts are timed. */
const CHART_INTERVAL_MS = 10_000

/** In each message, but for the devices whose charts are timed. */
export const METRICS = 3
/** Devices whose charts are timed. */
export const CHARTED = Array.from({ length: 50 }, (_, i) => `chart-${i}`)
/** The same names as the publisher's. */
export const deviceName = (device: number) => `bench-${String(device).padStart(4, '0')}`

export interface Filled {
  devices: number
  samples: number
  seconds: number
  /** Messages of each of the {@link CHARTED}. */
  chartMessages: number
}

let packetId = 0

/** About `samples` samples of as many devices as that takes, every 30 seconds for 2.3 days that end now, packed as the server would. */
export function fillSamples(history: History, last: LastMessages, samples: number, say: Say): Omit<Filled, 'chartMessages'> {
  const devices = Math.max(1, Math.round(samples / METRICS / ROUNDS))
  const progress = createProgress(`filling with ${devices} devices`, ROUNDS, say)
  const walks = Array.from({ length: devices }, () => ({ temp: 21, humidity: 55, power: 500 }))
  const first = Date.now() - ROUNDS * INTERVAL_MS
  const begin = performance.now()
  for (let round = 0; round < ROUNDS; round++) {
    walks.forEach((walk, device) => {
      walk.temp += (Math.random() - 0.5) * 0.2
      walk.humidity += (Math.random() - 0.5) * 0.5
      walk.power += (Math.random() - 0.5) * 20
      // Devices are not in step, and neither are the milliseconds of their clocks.
      const at = first + round * INTERVAL_MS + device * 7 + Math.floor(Math.random() * 200)
      append(history, last, deviceName(device), at, { tempC: rounded(walk.temp, 2), humidity: rounded(walk.humidity, 1), powerW: rounded(walk.power, 0) })
    })
    history.commit()
    if (round % PACK_ROUNDS === PACK_ROUNDS - 1) history.packAll()
    progress(round + 1)
  }
  history.packAll()
  return { devices, samples: ROUNDS * devices * METRICS, seconds: (performance.now() - begin) / 1_000 }
}

/** A year that ends now of the devices whose charts are timed, a value an hour, and every ten seconds on the last day; messages per device. */
export function fillCharts(history: History, last: LastMessages, say: Say): number {
  const end = Date.now()
  const lastDay = end - DAY_MS
  const begin = end - YEAR_MS
  const times = [
    ...Array.from({ length: (lastDay - begin) / HOUR_MS }, (_, i) => begin + i * HOUR_MS),
    ...Array.from({ length: DAY_MS / CHART_INTERVAL_MS }, (_, i) => lastDay + i * CHART_INTERVAL_MS),
  ]
  const progress = createProgress(`filling a year of ${CHARTED.length} devices`, times.length, say)
  times.forEach((at, i) => {
    for (const deviceId of CHARTED) append(history, last, deviceId, at, { tempC: rounded(21 + 5 * Math.sin(at / HOUR_MS / 4) + Math.random(), 2) })
    history.commit()
    if (i % PACK_ROUNDS === PACK_ROUNDS - 1) history.packAll()
    progress(i + 1)
  })
  history.packAll()
  return times.length
}

function append(history: History, last: LastMessages, deviceId: string, at: number, metrics: Record<string, number>) {
  const ts = new Date(at).toISOString()
  const value: Telemetry = { deviceId, ts, metrics, receivedAt: new Date(at + 3 + Math.floor(Math.random() * 20)).toISOString() }
  last.set(deviceId, value)
  const payload = Buffer.from(JSON.stringify({ ts, metrics }))
  history.append({ kind: 'telemetry', value, body: JSON.stringify(value), delivery: { packetId: 1 + packetId++ % PACKET_IDS, topic: `sensors/${deviceId}/telemetry`, payload, redelivered: false } })
}

function rounded(value: number, digits: number): number {
  return Number(value.toFixed(digits))
}
