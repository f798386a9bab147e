import { execFileSync } from 'node:child_process'
import { pbkdf2Sync, randomBytes } from 'node:crypto'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DoctorSchema, ExaminationSchema } from '#shared/schemas/doctor'
import type { DoctorCheck } from '#shared/schemas/doctor'
import { TopicsSchema } from '#shared/schemas/topics'
import { afterAll, describe, expect, it, onTestFinished } from 'vitest'
import { freePort } from '../../tools/programs/free-port'
import { startApp } from './support/app'
import type { App, Env } from './support/app'
import { closeBrowser, openPage } from './support/browser'
import { connectDevice, startMosquitto } from './support/broker'
import { findBrowser, mosquitto } from './support/dependencies'
import { until } from './support/until'

const browser = await findBrowser().catch(() => undefined)
afterAll(closeBrowser)

/** Debian's place for the plug-in that can refuse subscriptions; an access file grants them all. */
const DYNAMIC_SECURITY = '/usr/lib/x86_64-linux-gnu/mosquitto_dynamic_security.so'
const LOGIN = { NUXT_MQTT_USERNAME: 'leitstand', NUXT_MQTT_PASSWORD: 'right' }
const YEAR_SECONDS = 365 * 86_400

/** Asks until a check finds this. */
function untilFound(app: App, check: DoctorCheck['check'], code: DoctorCheck['code']): Promise<DoctorCheck> {
  return until(async () => {
    const { checks } = DoctorSchema.parse(await app.get('/api/doctor'))
    return checks.find(found => found.check === check && found.code === code)
  }, `${check}: ${code}`)
}

async function examine(app: App) {
  const response = await fetch(`${app.url}/api/doctor/examination`, { method: 'POST' })
  expect(response.status).toBe(200)
  return ExaminationSchema.parse(await response.json())
}

/** Asks for a user name and password, and has an access file if one is given. */
async function startGuarded(access?: string) {
  const lines = ['allow_anonymous false', 'password_file {folder}/passwords', ...(access ? ['acl_file {folder}/access'] : [])]
  const broker = await startMosquitto(lines, { passwords: 'leitstand:right\ndevice:right\n', ...(access && { access }) }, false)
  execFileSync('mosquitto_passwd', ['-U', join(broker.folder, 'passwords')])
  await broker.start()
  return broker
}

async function startAt(url: string, env: Env = {}) {
  const app = await startApp({ NUXT_MQTT_URL: url, ...env })
  await app.untilBroker('connected')
  return app
}

describe.skipIf(!mosquitto)('the topic of the application', () => {
  it('is shared with another installation, until one of them has another', async () => {
    const broker = await startMosquitto()
    const app = await startAt(broker.url)
    const other = await startAt(broker.url)
    await examine(app)
    const { facts } = await untilFound(app, 'root', 'root-shared')
    expect(facts).toMatchObject({ root: 'leitstand', count: 1, topics: ['leitstand/status'], installations: [expect.stringMatching(/^leitstand-[0-9a-z]{8}$/)] })
    await other.stop()
    await app.stop()
    // What the other has left there is not ours.
    const apart = await startAt(broker.url, { NUXT_MQTT_ROOT: 'plant/leitstand' })
    expect(await examine(apart)).toMatchObject({ ownStatusSeen: true, strangers: [] })
    await untilFound(apart, 'root', 'root-alone')
  })

  it('is its own, also with its last will and after a lost connection', async () => {
    const broker = await startMosquitto()
    const folder = mkdtempSync(join(tmpdir(), 'leitstand-root-'))
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
    const device = await connectDevice(broker.url)
    const said: string[] = []
    device.on('message', (_topic, payload) => void said.push(payload.toString()))
    await device.subscribeAsync('leitstand/status')
    await (await startAt(broker.url, { NUXT_DATA_DIR: folder })).stop('SIGKILL')
    await until(() => said.at(-1) === 'offline' || undefined, 'the last will')
    const app = await startAt(broker.url, { NUXT_DATA_DIR: folder })
    expect(await examine(app)).toMatchObject({ ownStatusSeen: true, strangers: [] })
    await untilFound(app, 'root', 'root-alone')
    // What a replica of an older version has left behind is no stranger's, anything else is.
    await device.publishAsync('leitstand/status/leitstand-1', 'offline', { qos: 1, retain: true })
    await device.publishAsync('leitstand/temperature', '1', { qos: 1, retain: true })
    await device.publishAsync('leitstandard', '1', { qos: 1, retain: true })
    expect(await examine(app)).toMatchObject({ strangers: [{ topic: 'leitstand/temperature', installation: null }] })
    await device.publishAsync('leitstand/status', 'online', { qos: 1, retain: true })
    expect((await examine(app)).strangers).toContainEqual({ topic: 'leitstand/status', installation: null })
  })
})

describe.skipIf(!mosquitto)('the doctor names the cause:', () => {
  it('the broker is down', async () => {
    const url = `mqtt://127.0.0.1:${await freePort()}`
    const app = await startApp({ NUXT_MQTT_URL: url })
    expect(await untilFound(app, 'broker', 'broker-unreachable')).toMatchObject({ status: 'fault', facts: { url } })
    await untilFound(app, 'login', 'skipped')
    const response = await fetch(`${app.url}/api/doctor/examination`, { method: 'POST' })
    expect(response.status).toBe(503)
    expect(await response.json()).toMatchObject({ error: { code: 'broker-unavailable' } })
  })

  it('the password is wrong', async () => {
    const broker = await startGuarded()
    const app = await startApp({ NUXT_MQTT_URL: broker.url, ...LOGIN, NUXT_MQTT_PASSWORD: 'wrong' })
    expect(await untilFound(app, 'login', 'login-not-authorized')).toMatchObject({ status: 'fault' })
    await untilFound(app, 'broker', 'broker-reached')
  })

  it.skipIf(!existsSync(DYNAMIC_SECURITY))('the access list refuses the subscription', async () => {
    const broker = await startMosquitto([`plugin ${DYNAMIC_SECURITY}`, 'plugin_opt_config_file {folder}/security.json', 'allow_anonymous false'], { 'security.json': dynamicSecurity() })
    const app = await startApp({ NUXT_MQTT_URL: broker.url, ...LOGIN })
    expect(await untilFound(app, 'subscription', 'subscription-refused')).toMatchObject({ status: 'fault', facts: { filters: ['sensors/#'], reasonCodes: [135] } })
    expect(await examine(app)).toMatchObject({ outcome: 'refused' })
  })

  it('the access list withholds what it lets us subscribe to', async () => {
    const broker = await startGuarded('user leitstand\ntopic write leitstand/status\nuser device\ntopic readwrite #\n')
    const app = await startAt(broker.url, LOGIN)
    const device = await connectDevice(broker.url, { username: 'device', password: 'right' })
    await device.publishAsync('sensors/tor-1/telemetry', '{"metrics":{"tempC":1}}', { qos: 1 })
    await untilFound(app, 'messages', 'messages-none')
    expect(await examine(app)).toMatchObject({ outcome: 'looked', messages: 0, ownStatusSeen: false })
    expect(await untilFound(app, 'subscription', 'subscription-withheld')).toMatchObject({ status: 'fault' })
  })

  it('nobody publishes', async () => {
    const broker = await startMosquitto()
    const app = await startAt(broker.url)
    expect(await examine(app)).toMatchObject({ outcome: 'looked', ownStatusSeen: true, othersTotal: 0, within: 0 })
    expect(await untilFound(app, 'messages', 'messages-nowhere')).toMatchObject({ status: 'fault' })
  })

  it('the devices publish on other topics', async () => {
    const broker = await startMosquitto()
    const app = await startAt(broker.url)
    const device = await connectDevice(broker.url)
    const publishing = setInterval(() => void device.publishAsync('foo/bar', '{"tempC":1}').catch(() => {}), 100)
    const [examination, same] = await Promise.all([examine(app), examine(app)])
    clearInterval(publishing)
    expect(same).toEqual(examination)
    expect(examination.others).toMatchObject([{ topic: 'foo/bar', retained: false }])
    expect(await untilFound(app, 'messages', 'messages-elsewhere')).toMatchObject({ facts: { filters: ['sensors/#'], topics: ['foo/bar'], count: 1 } })
    // What it has seen goes no further.
    expect((await app.health()).messages.received).toBe(0)
  })

  it('the payloads are rejected', async () => {
    const broker = await startMosquitto()
    const app = await startAt(broker.url)
    const device = await connectDevice(broker.url)
    await device.publishAsync('sensors/tor-1/telemetry', 'tempC=21', { qos: 1 })
    expect(await untilFound(app, 'acceptance', 'acceptance-none')).toMatchObject({ status: 'fault', facts: { topics: ['sensors/tor-1/telemetry'], reasons: [{ reason: 'not-json', topics: 1 }] } })
    await device.publishAsync('sensors/tor-2/telemetry', '{"metrics":{"tempC":1}}', { qos: 1 })
    await untilFound(app, 'acceptance', 'acceptance-some')
    const topics = TopicsSchema.parse(await app.get('/api/topics?under=sensors/'))
    expect(topics.levels[0]?.entries).toMatchObject([
      { topic: 'sensors/tor-1/telemetry', payload: { data: 'tempC=21' }, verdict: { kind: 'rejected', reason: 'not-json' } },
      { topic: 'sensors/tor-2/telemetry', verdict: { kind: 'telemetry', deviceId: 'tor-2', metrics: ['tempC'] } },
    ])
  })

  it('the clock of a device is a year off', async () => {
    const broker = await startMosquitto()
    const app = await startAt(broker.url)
    const device = await connectDevice(broker.url)
    for (const [name, seconds] of [['past', -YEAR_SECONDS], ['future', YEAR_SECONDS], ['right', 0]] as const) {
      const ts = new Date(Date.now() + seconds * 1_000).toISOString()
      await device.publishAsync(`sensors/${name}/telemetry`, JSON.stringify({ ts, metrics: { tempC: 1 } }), { qos: 1 })
    }
    const { facts } = await until(async () => {
      const found = await untilFound(app, 'clocks', 'clocks-wrong')
      return found.facts.count === 2 && found.facts.of === 3 ? found : undefined
    }, 'all three to be judged')
    expect(facts).toMatchObject({ count: 2, of: 3 })
    expect(facts.devices?.toSorted()).toEqual(['future', 'past'])
    expect(facts.aheadSeconds?.map(seconds => Math.round(Math.abs(seconds) / 1_000))).toEqual([YEAR_SECONDS / 1_000, YEAR_SECONDS / 1_000])
  })

  it('only retained messages are left of a device', async () => {
    const broker = await startMosquitto()
    const device = await connectDevice(broker.url)
    await device.publishAsync('sensors/gone/telemetry', '{"metrics":{"tempC":1}}', { qos: 1, retain: true })
    const app = await startAt(broker.url)
    expect(await untilFound(app, 'messages', 'messages-replayed')).toMatchObject({ status: 'warning' })
    expect(await untilFound(app, 'ghosts', 'ghosts-waiting')).toMatchObject({ facts: { count: 1, of: 1 } })
  })
})

describe('an examination', () => {
  it('is refused to the page of another site', async () => {
    const app = await startApp()
    const response = await fetch(`${app.url}/api/doctor/examination`, { method: 'POST', headers: { 'sec-fetch-site': 'cross-site' } })
    expect(response.status).toBe(403)
  })

  it.skipIf(!mosquitto)('ends early when there is too much to see', async () => {
    const broker = await startMosquitto()
    const device = await connectDevice(broker.url)
    await Promise.all(Array.from({ length: 5_001 }, (_, n) => device.publishAsync(`plant/${n}`, 'x', { qos: 1, retain: true })))
    const app = await startAt(broker.url)
    const examination = await examine(app)
    expect(examination).toMatchObject({ outcome: 'looked', isCut: true, messages: 5_000 })
    expect(examination.others).toHaveLength(100)
    expect(examination.othersTotal).toBe(2_000)
  })
})

describe.skipIf(!browser || !mosquitto)('the page of the doctor', () => {
  it('is found from the empty overview, and says what to do in German, too', async () => {
    const broker = await startMosquitto()
    const app = await startAt(broker.url)
    const device = await connectDevice(broker.url)
    await device.publishAsync('foo/bar', 'x', { qos: 1, retain: true })
    const page = await openPage(app.url, { locale: 'de-DE' })
    await page.getByRole('link', { name: 'Es kommt nichts an?' }).click()
    await page.getByText('Es ist noch keine Nachricht angekommen.').waitFor()
    await page.getByRole('button', { name: 'Jetzt nachsehen' }).click()
    await page.getByText('Es wird gesendet, aber auf einem Topic außerhalb von sensors/#:').waitFor()
    expect(await page.getByText('foo/bar').count()).toBeGreaterThan(0)
    await device.publishAsync('sensors/tor-1/telemetry', '{"metrics":{"tempC":1}}', { qos: 1 })
    await page.getByText('Alles in Ordnung').waitFor()
  })
})

describe.skipIf(!browser)('the page of the topics', () => {
  it('is a live tree that the keyboard moves through', async () => {
    const app = await startApp()
    const device = await connectDevice((await app.untilBroker('connected')).broker.url, { protocolVersion: 4 })
    const page = await openPage(`${app.url}/topics`)
    await page.getByText('No topic heard yet').waitFor()
    for (const name of ['tor-1', 'tor-2']) await device.publishAsync(`sensors/${name}/telemetry`, '{"metrics":{"tempC":1}}', { qos: 1 })
    await device.publishAsync('sensors/tor-2/state', '<b>broken</b>', { qos: 1 })
    await page.getByRole('treeitem', { name: 'tor-1/telemetry' }).waitFor()

    await page.getByRole('treeitem').first().focus()
    const focused = () => page.evaluate(() => document.activeElement?.getAttribute('data-key'))
    await page.keyboard.press('ArrowRight')
    await until(async () => await focused() === 'sensors/tor-1/telemetry' || undefined, 'the first child')
    await page.keyboard.press('ArrowDown')
    await until(async () => await focused() === 'sensors/tor-2/' || undefined, 'the next row')
    await page.keyboard.press('ArrowRight')
    await page.getByRole('treeitem', { name: 'state' }).waitFor()
    await page.keyboard.press('ArrowDown')
    await page.keyboard.press('Enter')
    await page.getByText('Rejected: The message is not JSON.').waitFor()
    expect(await page.getByText('<b>broken</b>').count()).toBeGreaterThan(0)
    await page.keyboard.press('ArrowLeft')
    await page.keyboard.press('ArrowLeft')
    await until(async () => await focused() === 'sensors/tor-2/' || undefined, 'the branch')

    await page.getByRole('searchbox').fill('not-json')
    await until(async () => await page.getByRole('treeitem').count() === 1 || undefined, 'what was looked for')
  })
})

/** A configuration of the plug-in in which `leitstand` may log in and publish, but subscribe to nothing. */
function dynamicSecurity(): string {
  const salt = randomBytes(12)
  const iterations = 101
  return JSON.stringify({
    defaultACLAccess: { publishClientSend: true, publishClientReceive: true, subscribe: false, unsubscribe: true },
    clients: [{
      username: 'leitstand',
      password: pbkdf2Sync('right', salt, iterations, 64, 'sha512').toString('base64'),
      salt: salt.toString('base64'),
      iterations,
      roles: [],
    }],
    groups: [],
    roles: [],
  })
}
