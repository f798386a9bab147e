import type { Telemetry } from '#shared/schemas/telemetry'
import type { History } from '../../server/history/contract.ts'

const DEVICES = 1_000
const METRICS = 3
const INTERVAL_MS = 10_000
/** The server packs a device that has this many messages. */
const PACK_MESSAGES = 500
const PACKET_IDS = 65_535
const DAY_MS = 86_400_000
const HOUR_MS = 3_600_000

export const BEGIN = Date.parse('2025-01-01T00:00:00Z')
export const END = Date.parse('2026-01-01T00:00:00Z')
/** Devices whose charts are timed. */
export const CHARTED = Array.from({ length: 50 }, (_, i) => `chart-${i}`)

let packetId = 0

/** Stores about `samples` samples of 1,000 devices in turn, as they would come; how many it were. */
export function fillSamples(history: History, samples: number): number {
  const rounds = Math.ceil(samples / (DEVICES * METRICS))
  const walks = Array.from({ length: DEVICES }, () => ({ temp: 21, humidity: 55, power: 500 }))
  for (let round = 0; round < rounds; round++) {
    walks.forEach((walk, device) => {
      walk.temp += (Math.random() - 0.5) * 0.2
      walk.humidity += (Math.random() - 0.5) * 0.5
      walk.power += (Math.random() - 0.5) * 20
      // Devices are not in step, and neither are the milliseconds of their clocks.
      const at = BEGIN + round * INTERVAL_MS + device * 7 + Math.floor(Math.random() * 200)
      append(history, `bench-${device}`, at, { tempC: rounded(walk.temp, 2), humidity: rounded(walk.humidity, 1), powerW: rounded(walk.power, 0) })
    })
    history.commit()
    if (round % PACK_MESSAGES === PACK_MESSAGES - 1) history.packAll()
  }
  history.packAll()
  return rounds * DEVICES * METRICS
}

/** A year of the devices whose charts are timed; messages per device. */
export function fillCharts(history: History): number {
  const lastDay = END - DAY_MS
  const times = [
    ...Array.from({ length: (lastDay - BEGIN) / HOUR_MS }, (_, i) => BEGIN + i * HOUR_MS),
    ...Array.from({ length: DAY_MS / INTERVAL_MS }, (_, i) => lastDay + i * INTERVAL_MS),
  ]
  times.forEach((at, i) => {
    for (const deviceId of CHARTED) append(history, deviceId, at, { tempC: rounded(21 + 5 * Math.sin(at / HOUR_MS / 4) + Math.random(), 2) })
    history.commit()
    if (i % PACK_MESSAGES === PACK_MESSAGES - 1) history.packAll()
  })
  history.packAll()
  return times.length
}

function append(history: History, deviceId: string, at: number, metrics: Record<string, number>) {
  const ts = new Date(at).toISOString()
  const value: Telemetry = { deviceId, ts, metrics, receivedAt: new Date(at + 3 + Math.floor(Math.random() * 20)).toISOString() }
  const payload = Buffer.from(JSON.stringify({ ts, metrics }))
  history.append({ kind: 'telemetry', value, body: JSON.stringify(value), delivery: { packetId: 1 + packetId++ % PACKET_IDS, topic: `sensors/${deviceId}/telemetry`, payload, redelivered: false } })
}

function rounded(value: number, digits: number): number {
  return Number(value.toFixed(digits))
}
