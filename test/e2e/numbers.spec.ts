import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { MqttClient } from 'mqtt'
import { afterAll, describe, expect, it, onTestFinished } from 'vitest'
import { DeviceStateSchema, RecentMessagesSchema } from '#shared/schemas/device'
import { HistoryAnswerSchema } from '#shared/schemas/history'
import { RejectionReportSchema } from '#shared/schemas/rejection'
import { SparklinesSchema } from '#shared/schemas/sparkline'
import { csvText } from '#shared/text/spreadsheet'
import { startApp } from './support/app'
import type { App, Env } from './support/app'
import { connectDevice, startMosquitto } from './support/broker'
import { axeViolations, closeBrowser, openPage } from './support/browser'
import { findBrowser, mosquitto } from './support/dependencies'
import { connectStream } from './support/stream'

const LARGE = ['9007199254740993', '-9007199254740993', '18446744073709551615', '-9223372036854775807', '123456789012345678901234567890']
const MINUTE = 60_000
const browser = await findBrowser().catch(() => undefined)
afterAll(closeBrowser)

const say = (device: MqttClient, deviceId: string, payload: string) => device.publishAsync(`sensors/${deviceId}/telemetry`, payload, { qos: 1 })
const stateOf = async (app: App, deviceId: string) => DeviceStateSchema.parse(await app.get(`/api/sensors/${deviceId}`))

async function startSite(given: Env = {}) {
  const broker = await startMosquitto()
  const env = { NUXT_MQTT_URL: broker.url, ...given }
  const app = await startApp(env)
  await app.untilBroker('connected')
  return { app, env, device: await connectDevice(broker.url), stream: await connectStream(app.url) }
}

describe.skipIf(!mosquitto)('values that JSON or a double do not have', () => {
  it('are told, kept over a kill, and answered: every digit, and what has no value', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'leitstand-numbers-'))
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
    const { app, env, device, stream } = await startSite({ NUXT_DATA_DIR: folder })
    for (const digits of LARGE) {
      await say(device, 'meter', `{"metrics":{"pulses":${digits},"powerW":1.5}}`)
      const { data } = await stream.next('telemetry')
      expect(data).toMatchObject({ metrics: { pulses: digits, powerW: 1.5 }, exact: ['pulses'] })
    }
    await say(device, 'meter', '{"metrics":{"powerW":null,"lux":null}}')
    expect((await stream.next('telemetry')).data).toMatchObject({ metrics: {}, absent: ['powerW', 'lux'] })
    await say(device, 'new', '{"metrics":{"tempC":null}}')
    expect((await stream.next('telemetry')).data).toMatchObject({ deviceId: 'new', metrics: {}, absent: ['tempC'] })

    async function check(server: App) {
      const meter = await stateOf(server, 'meter')
      const { ts } = meter.lastTelemetry
      expect(meter).toMatchObject({ lastTelemetry: { metrics: {}, absent: ['powerW', 'lux'] } })
      expect(meter.values).toEqual({ pulses: { value: LARGE.at(-1), ts: expect.any(String), exact: true }, powerW: { value: null, ts }, lux: { value: null, ts } })
      expect((await stateOf(server, 'new')).values).toMatchObject({ tempC: { value: null } })
      const { messages } = RecentMessagesSchema.parse(await server.get('/api/sensors/meter/messages'))
      expect(messages.map(({ metrics, exact, absent }) => metrics.pulses ? [metrics.pulses, exact] : absent).reverse()).toEqual([...LARGE.map(digits => [digits, ['pulses']]), ['powerW', 'lux']])
      const raw = HistoryAnswerSchema.parse(await server.get('/api/sensors/meter/history?metric=pulses&resolution=raw'))
      expect(raw).toMatchObject({ exact: LARGE.map((_, i) => i), points: LARGE.map(digits => [expect.any(Number), digits]) })
      expect(HistoryAnswerSchema.parse(await server.get('/api/sensors/meter/history?metric=pulses'))).toMatchObject({ kind: 'number', rounded: true })
      expect(HistoryAnswerSchema.parse(await server.get('/api/sensors/meter/history?metric=powerW'))).toMatchObject({ kind: 'number', skipped: 1 })
      const csv = await (await fetch(`${server.url}/api/sensors/meter/export?format=csv`)).text()
      for (const digits of LARGE) expect(csv).toContain(`,pulses,,${csvText(digits)}\n`)
      expect(csv).toMatch(/,powerW,[^,]*,\n/)
      const then = DeviceStateSchema.parse(await server.get(`/api/sensors/meter?at=${encodeURIComponent(new Date().toISOString())}`))
      expect(then.values).toEqual(meter.values)
    }
    await check(app)
    await app.stop('SIGKILL')
    const again = await startApp(env)
    await again.untilBroker('connected')
    await check(again)
  })

  it('are drawn as far as they can be, each series by itself', async () => {
    const { app, device, stream } = await startSite()
    const at = (minutes: number) => new Date(Date.now() - minutes * MINUTE).toISOString()
    const values = [20, 21, '"unavailable"', null, 22, true, 23]
    for (const [n, mixed] of values.entries()) {
      await say(device, 'mixed', `{"ts":"${at(30 - n)}","metrics":{"mixed":${mixed},"huge":${n % 2 === 0 ? '1.7e308' : '1.6e308'},"wide":${n % 2 === 0 ? '' : '-'}1.7e308,"nanoseconds":179362074000000000${n}}}`)
      await stream.next('telemetry', ({ data }) => data.deviceId === 'mixed')
    }
    const query = `from=${at(60)}&to=${at(0)}&points=60`
    const ask = async (metric: string, more = query) => HistoryAnswerSchema.parse(await app.get(`/api/sensors/mixed/history?metric=${metric}&${more}`))
    const mixed = await ask('mixed')
    expect(mixed).toMatchObject({ kind: 'number', skipped: 3, gaps: { length: 2 } })
    expect(mixed.points).toHaveLength(4)
    // In a bucket or two, as the hour has it: the sum is too large to be a number, the mean is one (or the schema refuses it).
    for (const metric of ['huge', 'wide']) {
      const { points } = await ask(metric, `from=${at(60)}&to=${at(0)}&points=1`)
      expect(points.reduce((sum, point) => sum + ('count' in point ? point.count : 0), 0)).toBe(7)
    }
    expect(await ask('nanoseconds')).toMatchObject({ kind: 'number', rounded: true, points: { length: 7 } })
    expect(SparklinesSchema.parse(await app.get('/api/sparklines?device=mixed'))).toMatchObject({ mixed: { metric: 'mixed', gaps: { length: 2 } } })

    if (!browser) return
    const page = await openPage(`${app.url}/devices/mixed`)
    await page.locator('[data-metric=nanoseconds] canvas').waitFor()
    await page.locator('[data-metric=wide] canvas').waitFor()
    await page.locator('[data-metric=huge] canvas').waitFor()
    expect(await page.locator('[data-metric=mixed] [data-testid=history-notes]').textContent()).toContain('3 values are no numbers')
    expect(await page.locator('[data-metric=nanoseconds] [data-testid=history-notes]').textContent()).toContain('rounded')
    await page.locator('[data-metric=mixed] button').click()
    const means = await page.locator('[data-metric=mixed] tbody tr td:nth-child(3)').allTextContents()
    expect(means.map(text => text.trim())).toEqual(['20', '21', '–', '22', '–', '23'])
    await page.getByText('1793620740000000006').first().waitFor()

    await say(device, 'mixed', '{"metrics":{"mixed":null}}')
    await page.getByText(/^no value since/).first().waitFor()
    await page.locator('[data-testid=no-value]').first().waitFor()
    expect(await page.locator('[data-testid=no-value]').count()).toBe(1)
    expect(await axeViolations(page)).toEqual([])
    await page.goto(app.url)
    await page.locator('[data-testid=device]').getByText('–', { exact: true }).first().waitFor()
  })

  it('do not open the door to what is no JSON, and times come in every form of ISO 8601', async () => {
    const { app, device, stream } = await startSite()
    for (const payload of ['{"metrics":{"a":NaN}}', '{"metrics":{"a":Infinity}}', '{"metrics":{"a":1e999}}', '{"metrics":{"a":[null]}}', '{"ts":"2026-11-02T12:00:00","metrics":{"a":null}}']) await say(device, 'bad', payload)
    for (const [written, ts] of [['20261102T130000,5+01', '2026-11-02T13:00:00.5+01:00'], ['2026-W45-1t12:00z', '2026-11-02T12:00:00Z'], ['2026-306 12:00:00Z', '2026-11-02T12:00:00Z'], ['2026-11-02T12:00:00.123456Z', '2026-11-02T12:00:00.123456Z']]) {
      await say(device, 'clock', `\uFEFF{"ts":"${written}","metrics":{"a":1}}\u0000`)
      expect((await stream.next('telemetry')).data).toMatchObject({ deviceId: 'clock', ts })
    }
    const { byReason, recent } = RejectionReportSchema.parse(await app.get('/api/rejections'))
    expect(byReason).toEqual({ 'not-json': 2, 'metric-value-invalid': 2, 'ts-invalid': 1 })
    expect(recent[0]?.detail).toContain('no time zone')
  })
})
