import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { DeviceCountersSchema } from '#shared/schemas/counters'
import type { DeviceState } from '#shared/schemas/device'
import { DeviceStatesSchema, RecentMessagesSchema } from '#shared/schemas/device'
import { EXPORT_MESSAGES_HEADER, HistoryAnswerSchema } from '#shared/schemas/history'
import { SparklinesSchema } from '#shared/schemas/sparkline'
import { StorageSchema } from '#shared/schemas/storage'
import { describe, expect, it, onTestFinished } from 'vitest'
import { startApp } from './support/app'
import type { App } from './support/app'
import { connectDevice, startMosquitto } from './support/broker'
import { mosquitto } from './support/dependencies'
import { connectStream } from './support/stream'
import { until } from './support/until'

function dataFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'leitstand-store-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** A small disk of its own, where the system lets us make one. */
function smallDisk(): string | undefined {
  const folder = join(dataFolder(), 'disk')
  mkdirSync(folder)
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=4m', 'tmpfs', folder], { stdio: 'ignore' })
  }
  catch {
    return undefined
  }
  onTestFinished(() => void execFileSync('umount', ['-l', folder]))
  return folder
}

async function ask({ url }: App, path: string): Promise<{ status: number, body: unknown }> {
  const answer = await fetch(url + path)
  return { status: answer.status, body: await answer.json() }
}

async function numbers(app: App, metric = 'n'): Promise<unknown[]> {
  const { status, body } = await ask(app, `/api/sensors/gate/history?metric=${metric}&resolution=raw&limit=100000&from=0`)
  // The device has not been heard yet.
  if (status === 404) return []
  const answer = HistoryAnswerSchema.parse(body)
  return answer.kind === 'samples' ? answer.points.map(([, value]) => value) : []
}

describe.skipIf(!mosquitto)('a disk that is full', () => {
  it('is named; nothing is acknowledged, the live view goes on, and everything is there once there is room', async ({ skip }) => {
    const disk = smallDisk()
    if (!disk) return skip('no small disk can be made here')
    const broker = await startMosquitto(['allow_anonymous true', 'max_inflight_messages 1000'])
    const app = await startApp({ NUXT_MQTT_URL: broker.url, NUXT_DATA_DIR: disk })
    await app.untilBroker('connected')
    const device = await connectDevice(broker.url)
    const stream = await connectStream(app.url)
    let sent = 0
    const publish = () => device.publishAsync('sensors/gate/telemetry', `{"metrics":{"n":${sent++},"filler":"${'x'.repeat(500)}"}}`, { qos: 1 })

    for (let i = 0; i < 100; i++) await publish()
    const filler = join(disk, 'filler')
    try {
      writeFileSync(filler, Buffer.alloc(4_194_304))
    }
    catch {
      // As much as there was room for.
    }
    for (let i = 0; i < 400; i++) await publish()
    const health = await app.untilBroker('store-failed')
    expect(health).toMatchObject({ status: 'fault', reason: expect.stringContaining('full') })
    expect((await fetch(`${app.url}/api/health`)).status).toBe(503)

    const live = sent
    await until(async () => {
      await publish()
      return stream.events.some(event => event.type === 'telemetry' && Number(event.data.metrics.n) >= live) || undefined
    }, 'the live view')
    rmSync(filler)
    await app.untilBroker('connected')
    await until(async () => (await numbers(app)).length === sent || undefined, `all ${sent} messages`)
    expect(new Set(await numbers(app)).size).toBe(sent)
    // Messages that could not be stored are counted once they are.
    expect(DeviceCountersSchema.parse(await app.get('/api/sensors/gate/counters'))).toMatchObject({ stored: sent })
  })
})

describe.skipIf(!mosquitto)('a disk that is read-only', () => {
  it('is named; nothing is acknowledged, the live view goes on, and everything is there once it can be written', async ({ skip }) => {
    const disk = smallDisk()
    if (!disk) return skip('no small disk can be made here')
    const remount = (mode: 'ro' | 'rw') => void execFileSync('mount', ['-o', `remount,${mode}`, disk])
    const broker = await startMosquitto(['allow_anonymous true'])
    const env = { NUXT_MQTT_URL: broker.url, NUXT_DATA_DIR: disk }
    const device = await connectDevice(broker.url)
    let sent = 0
    const publish = () => device.publishAsync('sensors/gate/telemetry', `{"metrics":{"n":${sent++}}}`, { qos: 1 })
    const first = await startApp(env)
    await first.untilBroker('connected')
    for (let i = 0; i < 10; i++) await publish()
    await until(async () => (await numbers(first)).length === sent || undefined, 'the first messages')
    await first.stop()

    remount('ro')
    onTestFinished(() => remount('rw'))
    const app = await startApp(env)
    expect(await app.untilBroker('store-failed')).toMatchObject({ status: 'fault', reason: expect.stringMatching(/read-only|cannot be opened/) })
    expect((await fetch(`${app.url}/api/health`)).status).toBe(503)
    const stream = await connectStream(app.url)
    for (let i = 0; i < 10; i++) await publish()
    await until(() => stream.events.some(event => event.type === 'telemetry' && event.data.metrics.n === sent - 1) || undefined, 'the live view')

    remount('rw')
    await app.untilBroker('connected')
    await until(async () => (await numbers(app)).length === sent || undefined, `all ${sent} messages`)
    expect(new Set(await numbers(app)).size).toBe(sent)
  })
})

describe('a restart', () => {
  it('goes on counting what became of the messages of each device, also after a kill', async () => {
    const NUXT_DATA_DIR = dataFolder()
    let seq = 0
    async function run(expected: object, ending: 'SIGTERM' | 'SIGKILL') {
      const app = await startApp({ NUXT_DATA_DIR })
      const counters = async () => DeviceCountersSchema.parse(await app.get('/api/sensors/gate/counters'))
      const before = seq
      const { broker } = await app.untilBroker('connected')
      const device = await connectDevice(broker.url, { protocolVersion: 4 })
      if (before > 0) expect(await counters()).toMatchObject(expected)
      const publish = async () => device.publishAsync('sensors/gate/telemetry', `{"seq":${++seq},"metrics":{"n":${seq}}}`, { qos: 1 })
      for (let n = 0; n < 120; n++) await publish()
      // Packs what is there so far; what comes behind it lies in the journal.
      await app.get('/api/sensors/gate/export?from=0&format=jsonl').catch(() => undefined)
      seq += 2
      for (let n = 0; n < 20; n++) await publish()
      await device.publishAsync('sensors/gate/state', '{"status":"open","updated_at":"2026-01-01T00:00:00Z"}', { qos: 1 })
      await device.publishAsync('sensors/gate/telemetry', '{"metrics":', { qos: 1 })
      await until(async () => (await app.health()).messages.received === 142 || undefined, 'all messages')
      await until(async () => (await (await fetch(`${app.url}/metrics`)).text()).includes('\nleitstand_store_unkept_messages 0\n') || undefined, 'all to be on disk')
      const after = await counters()
      await app.stop(ending)
      return after
    }
    const first = await run({}, 'SIGTERM')
    expect(first).toEqual({ deviceId: 'gate', received: 142, stored: 141, duplicate: 0, rejected: 1, sequence: { last: 142, gaps: 1, missing: 2 } })
    const second = await run(first, 'SIGKILL')
    expect(second).toEqual({ deviceId: 'gate', received: 284, stored: 282, duplicate: 0, rejected: 2, sequence: { last: 284, gaps: 2, missing: 4 } })
    // The message that was rejected is not older than a minute.
    await run({ ...second, received: 283, rejected: 1 }, 'SIGKILL')
  })

  it('brings 10,000 devices back as they were, before the first answer', async () => {
    const folder = dataFolder()
    const first = await startApp({ NUXT_DATA_DIR: folder })
    const { broker } = await first.untilBroker('connected')
    const device = await connectDevice(broker.url, { protocolVersion: 4 })
    for (let start = 0; start < 10_000; start += 1_000) {
      await Promise.all(Array.from({ length: 1_000 }, (_, i) =>
        device.publishAsync(`sensors/d-${start + i}/telemetry`, `{"metrics":{"tempC":${i},"doorState":"open"}}`, { qos: 1 })))
    }
    await device.publishAsync('sensors/d-1/state', '{"status":"open","updated_at":"2025-11-03T12:40:00Z"}', { qos: 1 })
    await until(async () => (await first.health()).messages.accepted === 10_001 || undefined, 'all devices')
    const before = DeviceStatesSchema.parse(await first.get('/api/sensors'))
    await first.stop('SIGKILL')

    const second = await startApp({ NUXT_DATA_DIR: folder })
    const after = DeviceStatesSchema.parse(await second.get('/api/sensors'))
    const byName = (a: { deviceId: string }, b: { deviceId: string }) => a.deviceId < b.deviceId ? -1 : 1
    // Whether they are still alive nobody can know yet.
    expect(new Set(after.map(({ presence }) => presence))).toEqual(new Set(['unknown']))
    const asTheyWere = (devices: DeviceState[]) => devices.sort(byName).map(({ presence: _, presenceSince: __, ...device }) => device)
    expect(asTheyWere(after)).toEqual(asTheyWere(before))
  })

  it('sets a damaged history aside and goes on', async () => {
    const folder = dataFolder()
    writeFileSync(join(folder, 'history.db'), 'not a database'.repeat(10_000))
    const app = await startApp({ NUXT_DATA_DIR: folder })
    await app.untilBroker('connected')
    expect(app.output()).toContain('set aside')
    expect(readdirSync(folder).filter(name => name.includes('damaged'))).not.toEqual([])
  })

  it('keeps nothing where that is asked for', async () => {
    const folder = dataFolder()
    const app = await startApp({ NUXT_DATA_DIR: folder, NUXT_HISTORY: 'off' })
    const { broker } = await app.untilBroker('connected')
    const device = await connectDevice(broker.url, { protocolVersion: 4 })
    await device.publishAsync('sensors/gate/telemetry', '{"metrics":{"n":1}}', { qos: 1 })
    await until(async () => (await app.health()).devices === 1 || undefined, 'the device')
    // What `npm run admin` opens the running server with, what keeps others out of the folder, and where the name of the installation is.
    const files = readdirSync(folder).filter(name => !/-(?:shm|wal)$/.test(name))
    expect(files.toSorted()).toEqual(['admin.key', 'history.db', 'lock.db', 'lock.json'])
    const database = new DatabaseSync(join(folder, 'history.db'), { readOnly: true })
    expect(database.prepare('SELECT (SELECT count(*) FROM batch) + (SELECT count(*) FROM segment) + (SELECT count(*) FROM device) AS n').get()).toEqual({ n: 0 })
    database.close()
    expect(await app.get('/api/sensors/gate/history?metric=n')).toMatchObject({ error: { code: 'history-unavailable' } })
    expect(RecentMessagesSchema.parse(await app.get('/api/sensors/gate/messages')).messages).toHaveLength(1)
  })
})

describe('reading', () => {
  const at = (second: number) => new Date(Date.UTC(2026, 0, 1, 0, 0, second)).toISOString()

  async function startWithHistory() {
    const app = await startApp()
    const { broker } = await app.untilBroker('connected')
    const device = await connectDevice(broker.url, { protocolVersion: 4 })
    for (let n = 0; n < 100; n++) {
      const metrics = { n: n === 50 ? 1_000 : n, doorState: n < 30 || n >= 60 ? 'closed' : 'open', note: n === 1 ? '=cmd|"a",b' : 'plain' }
      await device.publishAsync('sensors/gate/telemetry', JSON.stringify({ ts: at(n * 10), metrics }), { qos: 1 })
    }
    await until(async () => (await app.health()).messages.accepted === 100 || undefined, 'all messages')
    return { app, device, range: `from=${at(0)}&to=${at(990)}` }
  }

  it('thins numbers without losing a peak, and gives texts as intervals', async () => {
    const { app, range } = await startWithHistory()
    const answer = HistoryAnswerSchema.parse(await app.get(`/api/sensors/gate/history?metric=n&${range}&points=10`))
    if (answer.kind !== 'number') throw new Error(answer.kind)
    expect(answer.points.length).toBeLessThanOrEqual(11)
    expect(Math.max(...answer.points.map(({ max }) => max))).toBe(1_000)
    expect(answer.points.reduce((sum, { count }) => sum + count, 0)).toBe(100)
    const door = HistoryAnswerSchema.parse(await app.get(`/api/sensors/gate/history?metric=doorState&${range}`))
    expect(door).toMatchObject({
      kind: 'state',
      points: [
        { value: 'closed', from: Date.parse(at(0)), to: Date.parse(at(300)) },
        { value: 'open', from: Date.parse(at(300)), to: Date.parse(at(600)) },
        { value: 'closed', from: Date.parse(at(600)), to: Date.parse(at(990)) },
      ],
    })
  })

  it('knows what held when the range began', async () => {
    const { app } = await startWithHistory()
    const door = HistoryAnswerSchema.parse(await app.get(`/api/sensors/gate/history?metric=doorState&from=${at(455)}&to=${at(458)}`))
    expect(door).toMatchObject({ kind: 'state', points: [{ value: 'open', from: Date.parse(at(455)), to: Date.parse(at(458)) }] })
  })

  it('gives raw samples oldest first, both ends included', async () => {
    const { app } = await startWithHistory()
    expect(await app.get(`/api/sensors/gate/history?metric=n&resolution=raw&from=${at(20)}&to=${at(40)}`)).toMatchObject({
      points: [[Date.parse(at(20)), 2], [Date.parse(at(30)), 3], [Date.parse(at(40)), 4]], more: false,
    })
    expect(await app.get(`/api/sensors/gate/history?metric=n&resolution=raw&from=0&limit=1`)).toMatchObject({ points: [[Date.parse(at(0)), 0]], more: true })
  })

  it('pages through messages, newest first', async () => {
    const { app } = await startWithHistory()
    const seen: unknown[] = []
    for (let path: string | undefined = '/api/sensors/gate/messages?limit=30'; path;) {
      const page = RecentMessagesSchema.parse(await app.get(path))
      seen.push(...page.messages.map(({ ts }) => ts))
      path = page.next ? `/api/sensors/gate/messages?limit=30&before=${page.next}` : undefined
    }
    expect(seen).toEqual(Array.from({ length: 100 }, (_, i) => at((99 - i) * 10)))
  })

  it('exports exactly the range, as CSV and as JSON lines', async () => {
    const { app } = await startWithHistory()
    const csv = await fetch(`${app.url}/api/sensors/gate/export?from=${at(10)}&to=${at(20)}&format=csv`)
    expect(csv.headers.get(EXPORT_MESSAGES_HEADER)).toBe('100')
    expect(await csv.text()).toBe(['time,device,name,metric,unit,value',
      `${at(10)},gate,gate,n,,1`, `${at(10)},gate,gate,doorState,,closed`, `${at(10)},gate,gate,note,,"'=cmd|""a"",b"`,
      `${at(20)},gate,gate,n,,2`, `${at(20)},gate,gate,doorState,,closed`, `${at(20)},gate,gate,note,,plain`, ''].join('\n'))
    const lines = await (await fetch(`${app.url}/api/sensors/gate/export?from=0&metric=n&format=jsonl`)).text()
    expect(lines.trim().split('\n').map(line => JSON.parse(line).value)).toEqual(Array.from({ length: 100 }, (_, n) => n === 50 ? 1_000 : n))
  })

  it('reports on storage and draws small lines', async () => {
    const { app, device } = await startWithHistory()
    await device.publishAsync('sensors/tor-2/telemetry', '{"metrics":{"doorState":"open","tempC":21.5}}', { qos: 1 })
    await until(async () => (await app.health()).devices === 2 || undefined, 'the second device')
    const storage = StorageSchema.parse(await app.get('/api/storage'))
    expect(storage).toMatchObject({ devices: 2, series: 5, messages: 101, durability: 'full', limitBytes: 2_000_000_000 })
    // Nothing of it is packed yet, and all of it is counted.
    expect(storage.tiers.map(({ from }) => from === null)).toEqual([false, false, false])
    expect(storage.tiers[0]).toMatchObject({ from: at(0) })
    expect(storage.tiers[0]?.bytes).toBeGreaterThan(101 * 20)
    expect(storage.metrics.filter(({ bytes }) => bytes > 0)).toHaveLength(5)
    const lines = SparklinesSchema.parse(await app.get('/api/sparklines?device=gate&device=tor-2&device=unknown'))
    expect(lines).toMatchObject({ 'tor-2': { metric: 'tempC', points: [[expect.any(Number), 21.5]] } })
    expect(Object.keys(lines)).toEqual(['tor-2'])
  })

  it('says what is wrong with a query', async () => {
    const { app } = await startWithHistory()
    for (const query of ['', 'metric=', 'metric=n&from=yesterday', 'metric=n&points=0', 'metric=n&limit=1e9&resolution=raw', 'metric=n&resolution=best', 'metric=n&from=9999999999999999', `metric=n&from=${at(20)}&to=${at(10)}`]) {
      const response = await fetch(`${app.url}/api/sensors/gate/history?${query}`)
      expect(response.status, query).toBe(400)
      expect(await response.json()).toMatchObject({ error: { code: 'query-invalid', message: expect.stringMatching(/^The query is not usable\. \w+: /) } })
    }
  })
})
