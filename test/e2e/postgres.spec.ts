import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { afterAll, describe, expect, it, onTestFinished } from 'vitest'
import { DeviceStatesSchema } from '#shared/schemas/device'
import { EXPORT_MESSAGES_HEADER, HistoryAnswerSchema } from '#shared/schemas/history'
import { DeviceCountersSchema } from '#shared/schemas/counters'
import { StorageSchema } from '#shared/schemas/storage'
import { POSTGRES_PASSWORD, startPostgres } from '../../tools/programs/postgres'
import { startApp } from './support/app'
import type { App } from './support/app'
import { closeBrowser, openPage, untilTrue } from './support/browser'
import { connectDevice, startMosquitto } from './support/broker'
import { findBrowser, mosquitto, postgres } from './support/dependencies'
import { until } from './support/until'

const browser = await findBrowser().catch(() => false)
afterAll(closeBrowser)

/** A broker, a database, and what the application is told of them. */
async function startSite() {
  const broker = await startMosquitto(['allow_anonymous true', 'max_inflight_messages 1000'])
  const database = await startPostgres()
  onTestFinished(() => database.remove())
  const data = mkdtempSync(join(tmpdir(), 'leitstand-postgres-data-'))
  onTestFinished(() => rmSync(data, { recursive: true, force: true }))
  // As a secret is given in production.
  const secret = join(data, 'url')
  writeFileSync(secret, `${database.url}\n`)
  return { broker, database, data, env: { NUXT_MQTT_URL: broker.url, NUXT_DATA_DIR: data, NUXT_DATABASE_URL_FILE: secret } }
}

async function stored(app: App, metric: string): Promise<unknown[]> {
  const answer = HistoryAnswerSchema.parse(await app.get(`/api/sensors/gate/history?metric=${metric}&resolution=raw&limit=100000&from=0`))
  if (answer.kind !== 'samples') throw new Error('not raw')
  return answer.points.map(([, value]) => value)
}

const NUMBERS = 12_000
const EVENTS = ['kill', 'database', 'kill'] as const
const PHASE = NUMBERS / (EVENTS.length + 1)
const begin = Date.now() - 3_600_000
const message = (n: number) => `{"ts":"${new Date(begin + n).toISOString()}","metrics":{"n":${n}}}`

describe.skipIf(!mosquitto || !postgres)('with PostgreSQL', () => {
  it('keeps every message exactly once, while the server is killed and the database restarted, all busy', async () => {
    const { broker, database, data, env } = await startSite()
    let app = await startApp(env)
    await app.untilBroker('connected')
    const device = await connectDevice(broker.url, { clientId: 'gate' })
    let acknowledged = 0
    let next = 0
    let happened = 0
    const pending: Promise<void>[] = []
    // About 3,000 a second, but only so many before each event: all of them hit a busy site, however slow the machine.
    const timer = setInterval(() => {
      for (let burst = 0; burst < 30 && next < Math.min(NUMBERS, PHASE * (happened + 1)); burst++) {
        pending.push(device.publishAsync('sensors/gate/telemetry', message(next++), { qos: 1 }).then(() => void acknowledged++))
      }
    }, 10)
    onTestFinished(() => clearInterval(timer))
    for (const event of EVENTS) {
      await until(() => acknowledged >= PHASE * happened + 500 || undefined, 'traffic')
      if (event === 'kill') {
        await app.stop('SIGKILL')
        app = await startApp(env)
      }
      else {
        await database.stop('SIGQUIT')
        const { reason } = (await app.untilBroker('store-failed')).broker
        expect(reason).toMatch(/^PostgreSQL cannot be reached/)
        await database.start()
      }
      happened++
    }
    await until(() => next >= NUMBERS || undefined, 'all to be sent')
    await Promise.all(pending)
    await app.untilBroker('connected')
    await until(async () => (await stored(app, 'n').catch(() => [])).length >= NUMBERS || undefined, 'all numbers')
    expect(await stored(app, 'n')).toEqual(Array.from({ length: NUMBERS }, (_, n) => n))

    const chart = HistoryAnswerSchema.parse(await app.get('/api/sensors/gate/history?metric=n'))
    if (chart.kind !== 'number') throw new Error(chart.kind)
    expect(chart.points.reduce((sum, { count }) => sum + count, 0)).toBe(NUMBERS)
    const [then] = DeviceStatesSchema.parse(await app.get(`/api/sensors?at=${new Date(begin + 5_000).toISOString()}`))
    expect(then?.values.n?.value).toBe(5_000)
    // Not only different ones: the same sample twice would be one.
    const exported = await fetch(`${app.url}/api/sensors/gate/export?from=0`)
    expect(exported.headers.get(EXPORT_MESSAGES_HEADER)).toBe(String(NUMBERS))
    expect((await exported.text()).trim().split('\n')).toHaveLength(NUMBERS + 1)
    expect(StorageSchema.parse(await app.get('/api/storage'))).toMatchObject({ devices: 1, series: 1, durability: 'full', fault: null })
    expect(DeviceCountersSchema.parse(await app.get('/api/sensors/gate/counters'))).toMatchObject({ stored: NUMBERS })
    await app.stop('SIGKILL')
    app = await startApp(env)
    await app.untilBroker('connected')
    expect(DeviceCountersSchema.parse(await app.get('/api/sensors/gate/counters'))).toMatchObject({ stored: NUMBERS })
    // Nothing but the secret and what `npm run admin` needs lies in the data folder.
    expect(readdirSync(data).sort()).toEqual(['admin.key', 'lock.db', 'lock.json', 'url'])
    expect(app.output()).not.toContain(POSTGRES_PASSWORD)
  })

  it.skipIf(!browser)('says on the page that the database is away, and that it is back; what people have said is still there', async () => {
    const { broker, database, env } = await startSite()
    let app = await startApp(env)
    await app.untilBroker('connected')
    const device = await connectDevice(broker.url)
    await device.publishAsync('sensors/gate/telemetry', message(1), { qos: 1 })
    await until(async () => (await app.health()).devices === 1 || undefined, 'the device')
    const named = await fetch(`${app.url}/api/devices/gate`, { method: 'PUT', headers: { 'content-type': 'application/json', 'origin': app.url }, body: '{"name":"North gate"}' })
    expect(named.status).toBe(200)
    const page = await openPage(app.url)
    await untilTrue(page, `document.body.innerText.includes('North gate')`)
    await database.stop()
    await device.publishAsync('sensors/gate/telemetry', message(2), { qos: 1 })
    await untilTrue(page, `document.body.innerText.includes('could not store')`)
    const answer = await fetch(`${app.url}/api/sensors/gate/history?metric=n`)
    expect(answer.status).toBe(503)
    expect(await answer.text()).toMatch(/PostgreSQL cannot be reached/)
    await database.start()
    await untilTrue(page, `!document.body.innerText.includes('could not store')`)
    await app.untilBroker('connected')
    await until(async () => (await stored(app, 'n').catch(() => [])).length === 2 || undefined, 'both numbers')
    await page.close()

    // The other way round: it is started while the database is away.
    await app.stop()
    await database.stop()
    app = await startApp(env)
    await app.untilBroker('store-failed')
    await database.start()
    await app.untilBroker('connected')
    expect(await stored(app, 'n')).toEqual([1, 2])
    expect(await app.get('/api/devices/gate')).toMatchObject({ name: 'North gate' })
  })

  it.each([
    ['the rows of accounts are deleted', 'DELETE FROM document WHERE kind = \'account\'', true],
    ['the rows of accounts are nonsense', 'UPDATE document SET body = \'\\xff00\' WHERE kind = \'account\'', true],
    ['the table of documents is emptied', 'TRUNCATE document', false],
    ['the table of documents is gone', 'DROP TABLE document', false],
    ['the database is emptied', 'DROP SCHEMA public CASCADE; CREATE SCHEMA public', false],
  ])('opens nothing when %s', async (_, statement, isToldByDatabase) => {
    const { database, env } = await startSite()
    const first = await startApp({ ...env, NUXT_ACCOUNTS_OPEN: 'true' })
    await first.untilBroker('connected')
    const code = /with the code ([A-Z0-9-]+)/.exec(first.output())?.[1]
    const made = await fetch(`${first.url}/api/first-account`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ code, name: 'anna', password: 'correct horse battery' }) })
    expect(made.status).toBe(200)
    await first.stop()
    const client = new pg.Client({ connectionString: database.url })
    await client.connect()
    await client.query(statement)
    await client.end()
    // Beside the folder that says so; and, where the database does, in a new one.
    for (const folder of isToldByDatabase ? [env.NUXT_DATA_DIR, join(env.NUXT_DATA_DIR, 'new')] : [env.NUXT_DATA_DIR]) {
      const app = await startApp({ ...env, NUXT_DATA_DIR: folder, NUXT_ACCOUNTS_OPEN: 'true' })
      // A new folder knows nothing until the database is open, and nothing is there to be seen until then.
      if (folder === env.NUXT_DATA_DIR) expect((await fetch(`${app.url}/api/sensors`)).status).toBe(401)
      await until(() => /cannot be read: nobody may enter/.test(app.output()) || undefined, 'the sentence')
      expect((await fetch(`${app.url}/api/sensors`)).status).toBe(401)
      expect(app.output()).not.toMatch(/with the code/)
      await app.stop()
    }
  })
})
