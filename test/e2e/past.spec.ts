import { DeviceStatesSchema, RecentMessagesSchema } from '#shared/schemas/device'
import type { DeviceState } from '#shared/schemas/device'
import { ErrorAnswerSchema } from '#shared/schemas/error'
import type { Telemetry } from '#shared/schemas/telemetry'
import { afterAll, describe, expect, it } from 'vitest'
import { startApp } from './support/app'
import type { App } from './support/app'
import { connectDevice, startMosquitto } from './support/broker'
import { axeViolations, closeBrowser, openPage } from './support/browser'
import { findBrowser, mosquitto } from './support/dependencies'
import { connectStream } from './support/stream'
import type { Stream } from './support/stream'
import { until } from './support/until'

const browser = await findBrowser().catch(() => false)
const DEVICES = ['tor-1', 'tor-2', 'tor-3']
const SECOND = 1_000
const iso = (ms: number) => new Date(ms).toISOString()

afterAll(closeBrowser)

/** A built server behind a real broker, with half an hour of the past of three devices; `begin` is its first moment. */
async function startWithPast(messages = 90, env: Record<string, string> = {}) {
  const broker = await startMosquitto()
  const app = await startApp({ NUXT_MQTT_URL: broker.url, ...env })
  await app.untilBroker('connected')
  const device = await connectDevice(broker.url)
  const begin = Math.floor(Date.now() / SECOND) * SECOND - 3_600 * SECOND
  for (let i = 0; i < messages; i++) {
    const payload = JSON.stringify({ ts: iso(begin + i * 20 * SECOND), metrics: { n: i, ...(i % 30 === 0 && { door: i % 60 === 0 ? 'open' : 'closed' }) } })
    await device.publishAsync(`sensors/${DEVICES[i % 3]}/telemetry`, payload, { qos: 1 })
  }
  await until(async () => (await app.health()).messages.accepted >= messages || undefined, 'the messages to be stored')
  return { app, begin, device }
}

/** Every stored message of all devices, in order of time. */
async function stored(app: App): Promise<Telemetry[]> {
  const all: Telemetry[] = []
  for (const deviceId of DEVICES) {
    const answer = await (await fetch(`${app.url}/api/sensors/${deviceId}/messages?limit=1000`)).json()
    all.push(...RecentMessagesSchema.parse(answer).messages)
  }
  return all.sort((a, b) => Date.parse(a.ts) - Date.parse(b.ts))
}

/** The values that raw messages leave at a moment. */
function recomputed(messages: readonly Telemetry[], atMs: number) {
  const values = new Map<string, Record<string, unknown>>()
  for (const { deviceId, ts, metrics } of messages) {
    if (Date.parse(ts) <= atMs) values.set(deviceId, { ...values.get(deviceId), ...metrics })
  }
  return Object.fromEntries(values)
}

function valuesOf(devices: readonly DeviceState[]) {
  return Object.fromEntries(devices.map(({ deviceId, values }) => [deviceId, Object.fromEntries(Object.entries(values).map(([name, { value }]) => [name, value]))]))
}

function told({ events }: Stream): Telemetry[] {
  return events.flatMap(event => event.type === 'telemetry' ? event.data : event.type === 'batch' ? event.data : [])
}

async function errorOf(url: string) {
  const answer = await fetch(url)
  return { status: answer.status, ...ErrorAnswerSchema.parse(await answer.json()).error }
}

describe.skipIf(!mosquitto)('the past', () => {
  it('is the fleet that the stored messages make, and is played in their order', async () => {
    const { app, begin } = await startWithPast()
    const messages = await stored(app)
    expect(messages).toHaveLength(90)
    for (const seconds of [0, 19, 20, 333, 700, 1_234, 1_780, 3_000]) {
      const at = begin + seconds * SECOND
      const devices = DeviceStatesSchema.parse(await app.get(`/api/sensors?at=${iso(at)}`))
      expect(valuesOf(devices), iso(at)).toEqual(recomputed(messages, at))
      for (const { deviceId, lastSeen } of devices) expect(Date.parse(lastSeen ?? ''), deviceId).toBeLessThanOrEqual(at)
    }
    expect(await app.get(`/api/sensors/tor-2?at=${iso(begin + 30 * SECOND)}`)).toMatchObject({ deviceId: 'tor-2', values: { n: { value: 1 } } })

    const replay = await connectStream(app.url, `/ws/events?at=${iso(begin)}&speed=600&batch=50`)
    const snapshot = await replay.next('snapshot')
    expect(valuesOf(snapshot.data)).toEqual(recomputed(messages, begin))
    await until(() => told(replay).length >= 89 || undefined, 'every message to be told')
    expect(told(replay)).toEqual(messages.slice(1))
  })

  it('can be paused, gone through step by step, jumped in, and watched for one device', async () => {
    const { app, begin } = await startWithPast()
    const replay = await connectStream(app.url, `/ws/events?at=${iso(begin + 5 * SECOND)}&speed=0`)
    expect(await replay.next('clock')).toEqual({ type: 'clock', data: { at: iso(begin + 5 * SECOND), speed: 0, state: 'paused' } })
    replay.send('{"type":"step"}')
    expect((await replay.next('telemetry')).data.metrics.n).toBe(1)
    expect((await replay.next('clock')).data.at).toBe(iso(begin + 20 * SECOND))

    replay.send(`{"type":"seek","at":"${iso(begin + 400 * SECOND)}"}`)
    expect(valuesOf((await replay.next('snapshot')).data)).toMatchObject({ 'tor-3': { n: 20 } })
    replay.send('{"type":"subscribe","devices":["tor-1"]}')
    expect((await replay.next('subscribed')).data.devices).toBe(1)
    expect((await replay.next('states')).data.map(({ deviceId }) => deviceId)).toEqual(['tor-1'])
    replay.send('{"type":"play","speed":600}')
    expect((await replay.next('clock', ({ data }) => data.state === 'playing')).data.speed).toBe(600)
    const first = await replay.next('telemetry')
    expect([first.data.deviceId, first.data.metrics.n]).toEqual(['tor-1', 21])
    replay.send('{"type":"pause"}')
    await replay.next('clock', ({ data }) => data.state === 'paused')
    expect(told(replay).slice(1).every(({ deviceId }) => deviceId === 'tor-1')).toBe(true)
  })

  it('goes over into the present, and says so', async () => {
    const { app } = await startWithPast(3)
    const replay = await connectStream(app.url, `/ws/events?at=${iso(Date.now() - 60 * SECOND)}&speed=600`)
    expect((await replay.next('clock', ({ data }) => data.state === 'ended')).data.state).toBe('ended')
  })

  it('is refused where there is none', async () => {
    const { app, begin } = await startWithPast(3, { NUXT_LIMITS_REPLAYS: '1' })
    const [before, future] = [iso(begin - SECOND), iso(Date.now() + 60 * SECOND)]
    for (const path of ['/api/sensors?at=', '/api/sensors/tor-1?at=', '/api/events?at=']) {
      expect(await errorOf(`${app.url}${path}${before}`), path).toMatchObject({ status: 400, code: 'at-too-early' })
      expect(await errorOf(`${app.url}${path}${future}`), path).toMatchObject({ status: 400, code: 'at-in-future' })
      expect(await errorOf(`${app.url}${path}yesterday`), path).toMatchObject({ status: 400, code: 'query-invalid' })
    }
    await expect(connectStream(app.url, '/ws/events?at=yesterday')).rejects.toThrow('refused')
    await expect(connectStream(app.url, `/ws/events?at=${iso(begin)}&mode=latest`)).rejects.toThrow('refused')
    await expect(connectStream(app.url, `/ws/events?at=${iso(begin)}&speed=601`)).rejects.toThrow('refused')

    const replay = await connectStream(app.url, `/ws/events?at=${before}`)
    expect((await replay.next('error')).data).toMatchObject({ code: 'at-too-early' })
    replay.send(`{"type":"seek","at":"${iso(begin)}"}`)
    expect((await replay.next('snapshot')).data).toHaveLength(1)

    const another = await connectStream(app.url, `/ws/events?at=${iso(begin)}`)
    expect((await another.next('error')).data.code).toBe('replays-busy')
    expect((await another.closed).code).toBe(1013)
    expect(await errorOf(`${app.url}/api/sensors?at=${iso(begin)}`)).toMatchObject({ status: 429, code: 'replays-busy' })

    const live = await connectStream(app.url)
    live.send('{"type":"step"}')
    expect((await live.next('error')).data.code).toBe('request-invalid')
  })

  it('needs a history', async () => {
    const app = await startApp({ NUXT_HISTORY: 'off' })
    expect(await errorOf(`${app.url}/api/sensors?at=2026-01-01T00:00:00Z`)).toMatchObject({ status: 404, code: 'history-off' })
    const replay = await connectStream(app.url, '/ws/events?at=2026-01-01T00:00:00Z')
    expect((await replay.next('error')).data.code).toBe('history-off')
  })
})

describe.skipIf(!mosquitto || !browser)('the pages of the past', () => {
  it('show a moment, play, go on by steps and come back to the present', async () => {
    const { app, begin, device } = await startWithPast()
    const page = await openPage(`${app.url}/?at=${iso(begin + 65 * SECOND)}`)
    const row = (deviceId: string) => page.locator('[data-testid=device]', { hasText: deviceId })
    await page.getByTestId('past').waitFor()
    await row('tor-1').getByText('3', { exact: true }).waitFor()
    expect(await page.getByTestId('connection-status').first().textContent()).toContain('Past')
    await page.getByTestId('past-announcement').getByText('paused').waitFor({ state: 'attached' })
    expect(await axeViolations(page)).toEqual([])

    await page.getByTestId('past-step').click()
    await row('tor-2').getByText('4', { exact: true }).waitFor()
    await page.waitForURL(url => url.searchParams.get('at') === iso(begin + 80 * SECOND))

    // What happens now does not show in the past.
    await device.publishAsync('sensors/tor-1/telemetry', '{"metrics":{"n":4711}}', { qos: 1 })

    // A link leads to a page of the same moment.
    await row('tor-3').getByRole('link').first().click()
    await page.waitForURL(url => url.pathname === '/devices/tor-3' && url.searchParams.get('at') === iso(begin + 80 * SECOND))
    await page.getByTestId('messages').getByText('{"n":2}').waitFor()
    expect(await page.getByTestId('messages').locator('li').count()).toBe(1)

    await page.getByTestId('past-speed').click()
    await page.getByRole('option', { name: '600×' }).click()
    await page.keyboard.press('Escape')
    await page.getByTestId('past-play').click()
    await page.getByTestId('messages').getByText('{"n":8}').waitFor()
    await page.waitForURL(url => url.searchParams.get('speed') === '600')
    await page.getByTestId('past-play').click()
    await page.getByTestId('past-state').getByText('paused').waitFor()
    await page.waitForURL(url => url.searchParams.get('speed') === null)

    await page.getByTestId('past-leave').click()
    await page.waitForURL(url => url.searchParams.get('at') === null)
    await page.getByTestId('past').waitFor({ state: 'detached' })
    await page.goto(`${app.url}/devices/tor-1`)
    await page.getByTestId('messages').getByText('{"n":4711}').waitFor()
  })

  it('are reached from the present, lead back with the browser, and say what cannot be shown', async () => {
    const { app, begin } = await startWithPast(9)
    const page = await openPage(app.url)
    await page.getByTestId('device').first().waitFor()
    await page.getByTestId('past-enter').click()
    await page.getByTestId('past').waitFor()
    await page.getByTestId('past-state').getByText('paused').waitFor()
    const local = await page.evaluate((ms: number) => new Date(ms - new Date(ms).getTimezoneOffset() * 60_000).toISOString().slice(0, 19), begin - 60 * SECOND)
    await page.getByTestId('past-pick').locator('input').or(page.locator('input[data-testid=past-pick]')).first().fill(local)
    await page.getByTestId('past-fault').getByText('Nothing is kept of this moment.').waitFor()
    await page.goBack()
    await page.getByTestId('past').waitFor({ state: 'detached' })
    await page.getByTestId('connection-status').first().getByText('Live').waitFor()
  })
})
