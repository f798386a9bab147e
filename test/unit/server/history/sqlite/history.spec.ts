import { copyFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import type { MetricValue, Telemetry } from '#shared/schemas/telemetry'
import { fromMicroseconds } from '#shared/time/time'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { packedRollups } from '../../../../../server/history/engine/segment-io'
import { createHistory } from '../../../../../server/history/sqlite/history'
import type { History } from '../../../../../server/history/contract'
import { floorTo, HOUR, MINUTE, rollUp } from '../../../../../server/history/engine/rollups'
import { createSqliteSegmentStore } from '../../../../../server/history/sqlite/segment-store'
import type { Sample } from '../../../../../server/history/engine/segments'

const START = Date.parse('2026-01-01T00:00:00Z') * 1000

const retention = { rawDays: 0, minuteDays: 0, hourDays: 0, bytes: 1e9 }
let folder: string
let history: History
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'leitstand-history-'))
  history = openHistory()
})
afterEach(() => {
  storing = false
  history.close()
  rmSync(folder, { recursive: true })
})

function openHistory(limits = retention, now = Date.now): History {
  damagedTo = undefined
  const opened = createHistory({
    file: join(folder, 'history.db'), durability: 'normal', unacknowledged: 100, retention: limits, now, stateOf: deviceId => JSON.stringify({ deviceId }), onFault: () => {},
    onDamaged: (movedTo) => { damagedTo = movedTo },
    onOpen(restored) {
      devices = restored.devices
      records = [...restored.records]
    },
  })
  opened.open()
  return opened
}
let devices: unknown[]
let damagedTo: string | undefined
let records: unknown[]

let packetId = 0
function append(time: number, metrics: Record<string, MetricValue>, deviceId = 'tor-1') {
  const value: Telemetry = { deviceId, ts: fromMicroseconds(time), receivedAt: fromMicroseconds(time), metrics }
  const body = JSON.stringify(value)
  history.append({ kind: 'telemetry', value, body, delivery: { packetId: packetId++ % 65_535, topic: `sensors/${deviceId}/telemetry`, payload: Buffer.from(body), redelivered: false } })
}

let storing = false
/** Messages in every turn of the event loop, stored as the connection does: what waits for the next turn finds this one open. */
function keepStoring(time: number) {
  storing = true
  let i = 0
  function turn() {
    if (!storing) return
    append(time + i++, { x: i }, 'live')
    setImmediate(() => {
      history.commit()
      setTimeout(turn)
    })
  }
  turn()
}

/** Every sample of a metric, packed or not. */
async function samples(metric = 'x', deviceId = 'tor-1'): Promise<Sample[]> {
  const answer = await history.raw({ deviceId, metric, unit: null, from: 0, to: Number.MAX_SAFE_INTEGER }, Infinity)
  if (answer.kind !== 'samples') throw new Error('not raw')
  return answer.points.map(([ms, value]) => ({ time: Math.round(ms * 1_000), value }))
}

/** What lies in the file, as anybody else sees it. */
async function inFile<T>(read: (database: DatabaseSync) => T): Promise<Awaited<T>> {
  const database = new DatabaseSync(join(folder, 'history.db'))
  try {
    return await read(database)
  }
  finally {
    database.close()
  }
}

const packedDevices = () => inFile(database => Number(database.prepare('SELECT count(DISTINCT name) AS n FROM segment JOIN device ON device.id = device WHERE name LIKE \'tor-%\'').get()?.n))
const keptFrom = () => inFile(database => Number(database.prepare('SELECT value FROM meta WHERE key = \'raw\'').get()?.value))

function stored(tier: 'minute' | 'hour', metric = 'x') {
  return inFile((database) => {
    const device = Number(database.prepare('SELECT id FROM device WHERE name = \'tor-1\'').get()?.id)
    return packedRollups(createSqliteSegmentStore(database).segmentStore, device, metric, tier, 0, START + 100 * 24 * HOUR)
  })
}

describe('samples', () => {
  it('are there before and after packing, and after opening again', async () => {
    append(START, { x: 1, door: 'open' })
    append(START + 1_000_000, { x: 2, on: true })
    history.commit()
    const expected = [{ time: START, value: 1 }, { time: START + 1_000_000, value: 2 }]
    expect(await samples()).toEqual(expected)
    history.packAll()
    expect(await samples()).toEqual(expected)
    expect(await samples('door')).toEqual([{ time: START, value: 'open' }])
    history.close()
    history = openHistory()
    expect(await samples()).toEqual(expected)
    expect(devices).toEqual([{ deviceId: 'tor-1', state: { deviceId: 'tor-1' } }])
    expect(records).toEqual([])
    append(START + 2_000_000, { x: 3 })
    history.commit()
    history.close()
    history = openHistory()
    expect(records).toMatchObject([{ value: { metrics: { x: 3 } } }])
    expect(await samples()).toEqual([...expected, { time: START + 2_000_000, value: 3 }])
  })

  it('are given back as records until they are packed', async () => {
    append(START, { x: 1 })
    history.commit()
    history.close()
    history = openHistory()
    expect(records).toMatchObject([{ kind: 'telemetry', value: { deviceId: 'tor-1', metrics: { x: 1 } } }])
    expect(await samples()).toEqual([{ time: START, value: 1 }])
  })

  it('equal to the one before at that time are one, others lie a microsecond later', async () => {
    for (const x of [1, 2, 1, 3]) append(START, { x })
    history.commit()
    const expected = [1, 2, 1, 3].map((value, i) => ({ time: START + i, value }))
    expect(await samples()).toEqual(expected)
    history.packAll()
    for (const x of [3, 4]) append(START, { x })
    append(START + 5, { x: 5 })
    history.commit()
    expect(await samples()).toEqual([...expected, { time: START + 4, value: 4 }, { time: START + 5, value: 5 }])
    history.packAll()
    expect(await samples()).toEqual([...expected, { time: START + 4, value: 4 }, { time: START + 5, value: 5 }])
  })
})

describe('packing', () => {
  it('goes on while every turn brings messages', async () => {
    for (let i = 0; i < 100 * 500; i++) append(START + i * 1_000_000, { x: i }, `tor-${i % 100}`)
    history.commit()
    keepStoring(START)
    await vi.waitFor(async () => expect(await packedDevices()).toBe(100))
  })
})

it('reaches the database in the background, and leaves no log when closed', async () => {
  for (let i = 0; i < 8_000; i++) append(START + i, { x: 'a text of some length, so that pages are filled. '.repeat(20) })
  history.commit()
  await vi.waitFor(() => expect(statSync(join(folder, 'history.db')).size).toBeGreaterThan(8_000_000))
  expect(history.fault()).toBeNull()
  history.close()
  expect(readdirSync(folder)).toEqual(['history.db'])
})

describe('a redelivery', () => {
  const delivery = (packetId: number, text: string, redelivered = true) => ({ packetId, topic: 'sensors/tor-1/telemetry', payload: Buffer.from(text), redelivered })
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

describe('a repetition that the broker does not mark', () => {
  const delivery = (packetId: number, text: string) => ({ packetId, topic: 't', payload: Buffer.from(text), redelivered: false })
  const value: Telemetry = { deviceId: 'tor-1', ts: fromMicroseconds(START), receivedAt: fromMicroseconds(START), metrics: { x: 1 } }
  const keep = (packetId: number, text: string) => history.append({ kind: 'telemetry', value, body: JSON.stringify(value), delivery: delivery(packetId, text) })

  it('is known among the last deliveries right after the session was resumed, and only then', () => {
    for (let id = 1; id <= 150; id++) keep(id, 'same')
    history.commit()
    expect(history.isStored(delivery(150, 'same'))).toBe(false)
    history.sessionResumed()
    expect(history.isStored(delivery(150, 'same'))).toBe(true)
    expect(history.isStored(delivery(150, 'other'))).toBe(false)
    expect(history.isStored(delivery(10, 'same'))).toBe(false)
    for (let n = 0; n < 100; n++) history.isStored(delivery(1, 'other'))
    expect(history.isStored(delivery(150, 'same'))).toBe(false)
  })
})

describe('rollups', () => {
  it('equal those computed from the raw samples, whatever comes late, repeated or out of order', async () => {
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
    const raw = await samples()
    expect(raw.length).toBeGreaterThan(500)
    expect(await stored('minute')).toEqual(rollUp(raw, MINUTE))
    expect(await stored('hour')).toEqual(rollUp(raw, HOUR))
    expect(new Set(raw.map(({ time }) => time)).size).toBe(raw.length)
    expect((await stored('hour')).every(({ start }) => floorTo(start, HOUR) === start)).toBe(true)
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

describe('retention', () => {
  const DAY = 24 * HOUR
  const now = START / 1000 + 100 * 86_400_000

  function reopen(limits: Partial<typeof retention>) {
    history.close()
    history = openHistory({ ...retention, ...limits }, () => now)
  }

  it('drops messages, minutes and hours by their age, and adds what comes late to what is left', async () => {
    reopen({ rawDays: 10, minuteDays: 20 })
    for (let day = 0; day < 100; day++) append(START + day * DAY, { x: day })
    history.commit()
    history.packAll()
    await history.maintain()
    expect((await samples()).map(({ value }) => value)).toEqual(Array.from({ length: 10 }, (_, i) => 90 + i))
    expect((await stored('minute')).length).toBe(20)
    expect((await stored('hour')).length).toBe(100)

    append(START + 85 * DAY, { x: 1 })
    append(START + 50 * DAY, { x: 1 })
    history.commit()
    history.packAll()
    expect((await stored('minute')).find(({ start }) => start === START + 85 * DAY)).toMatchObject({ count: 2, min: 1, max: 85, sum: 86 })
    expect((await stored('hour')).find(({ start }) => start === START + 85 * DAY)).toMatchObject({ count: 2, min: 1, max: 85 })
    expect((await stored('hour')).find(({ start }) => start === START + 50 * DAY)).toMatchObject({ count: 2, min: 1, max: 50 })
  })

  it('waits for a turn that is being stored instead of giving up', async () => {
    reopen({ rawDays: 10 })
    for (let day = 0; day < 100; day++) append(START + day * DAY, { x: day })
    history.commit()
    history.packAll()
    keepStoring(now * 1000)
    await history.maintain()
    expect((await samples()).filter(({ time }) => time < START + 90 * DAY)).toEqual([])
  })

  it('drops the oldest messages when the whole is too large, and remembers it', async () => {
    for (let n = 0; n < 200; n++) {
      for (let i = 0; i < 20; i++) append(START + n * HOUR + i * 1_000_000, { x: `${n}-${i}-${'abcdefghij'.repeat(20)}${Math.sin(n * 20 + i)}` })
      history.commit()
    }
    history.packAll()
    const before = (await samples()).length
    const { bytes } = await history.storage()
    reopen({ bytes: Math.round(bytes * 0.9) })
    await history.maintain()
    const left = await samples()
    expect(left.length).toBeLessThan(before)
    expect(left.length).toBeGreaterThan(0)
    expect(left.at(-1)?.time).toBe(START + 199 * HOUR + 19_000_000)
    const kept = await keptFrom()
    expect(left[0]?.time).toBeGreaterThanOrEqual(kept - HOUR)
    reopen({})
    expect(await keptFrom()).toBe(kept)
    expect((await history.storage()).bytes).toBeLessThan(bytes)
  })
})

describe('the storage report', () => {
  it('says what is kept and what costs most', async () => {
    for (let n = 0; n < 500; n++) append(START + n * MINUTE, { noisy: Math.sin(n), door: 'open' })
    append(START, { x: 1 }, 'tor-2')
    history.commit()
    history.packAll()
    const report = await history.storage()
    expect(report).toMatchObject({ devices: 2, series: 3, messages: 501, durability: 'normal', fault: null, limitBytes: 1e9 })
    expect(report.metrics[0]).toMatchObject({ deviceId: 'tor-1', metric: 'noisy' })
    expect(report.tiers.map(({ tier, from }) => [tier, from])).toEqual([['raw', fromMicroseconds(START)], ['minute', fromMicroseconds(START)], ['hour', expect.any(String)]])
  })
})

it('says that nothing is kept while it has failed, whatever failed, and keeps again when it is well', () => {
  const other = new DatabaseSync(join(folder, 'history.db'))
  other.exec('BEGIN IMMEDIATE')
  expect(() => append(START, { x: 1 })).toThrow('locked')
  other.exec('ROLLBACK')
  other.close()
  const told: boolean[] = []
  history.commit(kept => told.push(kept))
  expect(history.probe()).toBe(true)
  append(START, { x: 1 })
  history.commit(kept => told.push(kept))
  expect(told).toEqual([false, true])
})

describe('a damaged file', () => {
  it('is set aside, never deleted, and a new one begins', async () => {
    append(START, { x: 1 })
    history.commit()
    history.close()
    writeFileSync(join(folder, 'history.db'), 'this is no database'.repeat(1_000))
    history = openHistory()
    expect(damagedTo).toMatch(/history\.db\.damaged-/)
    expect(readFileSync(damagedTo ?? '', 'utf8')).toContain('this is no database')
    append(START, { x: 2 })
    history.commit()
    expect(await samples()).toEqual([{ time: START, value: 2 }])
  })

  it('is set aside when only its head is as it was', () => {
    for (let n = 0; n < 2_000; n++) append(START + n, { x: n })
    history.commit()
    history.packAll()
    history.close()
    const bytes = readFileSync(join(folder, 'history.db'))
    // Everything but the head: some pages in the middle may be free, and nobody looks at those.
    bytes.fill(0xAB, 8_192)
    writeFileSync(join(folder, 'history.db'), bytes)
    history = openHistory()
    expect(damagedTo).toBeDefined()
    expect(history.fault()).toBeNull()
  })
})

it('opens a database of the first version with its data', async () => {
  history.close()
  copyFileSync('test/fixtures/history-v1.db', join(folder, 'history.db'))
  history = openHistory()
  expect(await samples()).toEqual([{ time: START, value: 1 }, { time: START + 1_000_000, value: 2.5 }])
  expect(await samples('door')).toEqual([{ time: START, value: 'open' }])
  expect(await stored('minute')).toMatchObject([{ start: START, count: 2, min: 1, max: 2.5 }])
})

it('opens a database of the second version with its data, and keeps documents in it', async () => {
  history.close()
  copyFileSync('test/fixtures/history-v2.db', join(folder, 'history.db'))
  history = openHistory()
  expect(await samples()).toEqual([{ time: START, value: 1 }, { time: START + 1_000_000, value: 2.5 }, { time: START + 2_000_000, value: 3 }])
  await history.documents.write([{ kind: 'device', name: 'tor-1', body: '{"name":"Tor"}' }])
  history.close()
  history = openHistory()
  expect(history.documents.all('device')).toEqual([{ name: 'tor-1', body: '{"name":"Tor"}' }])
  expect(await samples()).toHaveLength(3)
})

describe('documents', () => {
  it('are written while messages are stored, and neither hold the other up', async () => {
    keepStoring(START)
    await Promise.all(Array.from({ length: 20 }, (_, n) => history.documents.write([{ kind: 'a', name: String(n), body: String(n) }])))
    storing = false
    expect(history.documents.all('a')).toHaveLength(20)
    expect(history.fault()).toBeNull()
    expect((await samples('x', 'live')).length).toBeGreaterThan(0)
  })

  it('are all written or none', async () => {
    const changes = [{ kind: 'a', name: '1', body: 'x' }, { kind: 'b', name: '1', body: Buffer.from('bytes') }]
    await history.documents.write(changes)
    expect(Buffer.from(history.documents.bytes('b', '1') ?? []).toString()).toBe('bytes')
    await history.documents.write(changes.map(change => ({ ...change, body: null })))
    expect([history.documents.all('a'), history.documents.bytes('b', '1')]).toEqual([[], undefined])
    history.close()
    await expect(history.documents.write(changes)).rejects.toThrow('not open')
  })

  it('do not count towards what the history may have', async () => {
    const limit = 400_000
    history.close()
    history = openHistory({ ...retention, bytes: limit })
    await history.documents.write([{ kind: 'picture', name: 'tor-1', body: Buffer.alloc(2 * limit) }])
    append(START, { x: 1 })
    history.commit()
    history.packAll()
    await history.maintain()
    expect(await samples()).toHaveLength(1)
  })
})
