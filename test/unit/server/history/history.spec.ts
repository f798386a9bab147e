import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { MetricValue, Telemetry } from '#shared/schemas/telemetry'
import { fromMicroseconds } from '#shared/utils/time'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createHistory } from '../../../../server/history/history'
import type { History } from '../../../../server/history/history'
import { floorTo, HOUR, MINUTE, rollUp } from '../../../../server/history/rollups'
import type { Sample } from '../../../../server/history/segments'

const START = Date.parse('2026-01-01T00:00:00Z') * 1000

const retention = { rawDays: 0, minuteDays: 0, hourDays: 0, bytes: 1e9 }
let folder: string
let history: History
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'leitstand-history-'))
  history = openHistory()
})
afterEach(() => {
  history.close()
  rmSync(folder, { recursive: true })
})

function openHistory(): History {
  const opened = createHistory({
    file: join(folder, 'history.db'), durability: 'normal', retention, stateOf: deviceId => JSON.stringify({ deviceId }), onFault: () => {}, onDamaged: () => {},
    onOpen(restored) {
      devices = restored.devices
      records = [...restored.records]
    },
  })
  opened.open()
  return opened
}
let devices: unknown[]
let records: unknown[]

let packetId = 0
function append(time: number, metrics: Record<string, MetricValue>, deviceId = 'tor-1') {
  const value: Telemetry = { deviceId, ts: fromMicroseconds(time), receivedAt: fromMicroseconds(time), metrics }
  const body = JSON.stringify(value)
  history.append({ kind: 'telemetry', value, body, delivery: { packetId: packetId++ % 65_535, topic: `sensors/${deviceId}/telemetry`, payload: Buffer.from(body) } })
}

/** Every sample of a metric, packed or not. */
function samples(metric = 'x', deviceId = 'tor-1'): Sample[] {
  const { archive, device, unpacked } = history.read()
  const id = device(deviceId)
  if (id === undefined) return []
  return [...archive.samples(id, metric, 0, Number.MAX_SAFE_INTEGER), ...archive.beside(id, metric, unpacked(id))].sort((a, b) => a.time - b.time)
}

function stored(tier: 'minute' | 'hour', metric = 'x') {
  const { archive, device } = history.read()
  const series = archive.seriesOf(device('tor-1') ?? 0, metric) ?? 0
  return archive.rollups(series, tier, 0, START + 100 * 24 * HOUR)
}

describe('samples', () => {
  it('are there before and after packing, and after opening again', () => {
    append(START, { x: 1, door: 'open' })
    append(START + 1_000_000, { x: 2, on: true })
    history.commit()
    const expected = [{ time: START, value: 1 }, { time: START + 1_000_000, value: 2 }]
    expect(samples()).toEqual(expected)
    history.packAll()
    expect(samples()).toEqual(expected)
    expect(samples('door')).toEqual([{ time: START, value: 'open' }])
    history.close()
    history = openHistory()
    expect(samples()).toEqual(expected)
    expect(devices).toEqual([{ deviceId: 'tor-1', state: { deviceId: 'tor-1' } }])
    expect(records).toEqual([])
  })

  it('are given back as records until they are packed', () => {
    append(START, { x: 1 })
    history.commit()
    history.close()
    history = openHistory()
    expect(records).toMatchObject([{ kind: 'telemetry', value: { deviceId: 'tor-1', metrics: { x: 1 } } }])
    expect(samples()).toEqual([{ time: START, value: 1 }])
  })

  it('of the same time and value are one, of another value the next microsecond', () => {
    for (const x of [1, 2, 1, 3]) append(START, { x })
    history.commit()
    const expected = [1, 2, 3].map((value, i) => ({ time: START + i, value }))
    expect(samples()).toEqual(expected)
    history.packAll()
    for (const x of [3, 4]) append(START, { x })
    append(START + 4, { x: 5 })
    history.commit()
    expect(samples()).toEqual([...expected, { time: START + 3, value: 4 }, { time: START + 4, value: 5 }])
    history.packAll()
    expect(samples()).toEqual([...expected, { time: START + 3, value: 4 }, { time: START + 4, value: 5 }])
  })
})

describe('a redelivery', () => {
  const delivery = (packetId: number, text: string) => ({ packetId, topic: 'sensors/tor-1/telemetry', payload: Buffer.from(text) })
  const value: Telemetry = { deviceId: 'tor-1', ts: fromMicroseconds(START), receivedAt: fromMicroseconds(START), metrics: { x: 1 } }

  it('is known by its packet id and content, also after opening again', () => {
    history.append({ kind: 'telemetry', value, body: JSON.stringify(value), delivery: delivery(7, 'a') })
    history.commit()
    expect(history.isStored(delivery(7, 'a'))).toBe(true)
    expect(history.isStored(delivery(7, 'b'))).toBe(false)
    expect(history.isStored(delivery(8, 'a'))).toBe(false)
    history.packAll()
    history.close()
    history = openHistory()
    expect(history.isStored(delivery(7, 'a'))).toBe(true)
    history.forgetDeliveries()
    expect(history.isStored(delivery(7, 'a'))).toBe(false)
  })
})

describe('rollups', () => {
  it('equal those computed from the raw samples, whatever comes late, repeated or out of order', () => {
    const random = generator(42)
    for (let round = 0; round < 30; round++) {
      for (let n = 0; n < 40; n++) {
        const time = START + Math.floor(random() * 5 * 3600) * (random() < 0.5 ? 1_000_000 : 250_000)
        const x = random() < 0.1 ? 'text' : random() < 0.1 ? true : Math.round(random() * 10)
        append(time, random() < 0.2 ? { y: 1 } : { x })
      }
      history.commit()
      if (random() < 0.7) history.packAll()
    }
    history.packAll()
    const raw = samples()
    expect(raw.length).toBeGreaterThan(500)
    expect(stored('minute')).toEqual(rollUp(raw, MINUTE))
    expect(stored('hour')).toEqual(rollUp(raw, HOUR))
    expect(new Set(raw.map(({ time }) => time)).size).toBe(raw.length)
    expect(stored('hour').every(({ start }) => floorTo(start, HOUR) === start)).toBe(true)
  })
})

/** A small seeded generator (mulberry32), so that a failure repeats. */
function generator(seed: number) {
  return () => {
    seed = (seed + 0x6D2B79F5) | 0
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296
  }
}
