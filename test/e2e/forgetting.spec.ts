import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it, onTestFinished } from 'vitest'
import { DeviceStatesSchema } from '#shared/schemas/device'
import { StorageSchema } from '#shared/schemas/storage'
import { startApp } from './support/app'
import type { App } from './support/app'
import { connectDevice, startMosquitto } from './support/broker'
import { axeViolations, closeBrowser, openPage } from './support/browser'
import { findBrowser, mosquitto } from './support/dependencies'
import { connectStream } from './support/stream'
import { until } from './support/until'

const browser = await findBrowser().catch(() => undefined)
afterAll(closeBrowser)

const statusOf = async (app: App, path: string, method = 'GET') => (await fetch(app.url + path, { method })).status
const namesOf = async (app: App) => DeviceStatesSchema.parse(await app.get('/api/sensors')).map(({ deviceId }) => deviceId)

function tempFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'leitstand-forgetting-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

describe('a forgotten device', () => {
  it('is gone for every viewer, and back as it was when that is undone', async () => {
    const app = await startApp()
    const device = await connectDevice((await app.untilBroker('connected')).broker.url, { protocolVersion: 4 })
    const publish = (n: number) => device.publishAsync('sensors/tor-1/telemetry', JSON.stringify({ metrics: { n } }), { qos: 1 })
    const plain = await connectStream(app.url)
    const stream = await connectStream(app.url, '/ws/events?after=')
    const elsewhere = await connectStream(app.url, '/ws/events?device=tor-2')
    await publish(1)
    const { id } = await stream.next('telemetry')
    expect(await statusOf(app, '/api/devices/tor-1', 'DELETE')).toBe(200)
    for (const viewer of [plain, stream, elsewhere]) expect(await viewer.next('forgotten')).toMatchObject({ data: { deviceId: 'tor-1' } })
    expect(await namesOf(app)).toEqual([])
    expect(await statusOf(app, '/api/sensors/tor-1/history?metric=n')).toBe(404)
    expect(await (await connectStream(app.url)).next('snapshot')).toMatchObject({ data: [] })
    // What it says meanwhile is kept, and nobody is told.
    await publish(2)
    await device.publishAsync('sensors/tor-2/telemetry', '{"metrics":{"n":3}}', { qos: 1 })
    expect(await stream.next('telemetry')).toMatchObject({ data: { deviceId: 'tor-2' } })
    expect(await statusOf(app, '/api/devices/tor-1/restore', 'POST')).toBe(200)
    for (const viewer of [plain, stream]) expect(await viewer.next('states')).toMatchObject({ data: [{ deviceId: 'tor-1', presence: 'live', values: { n: { value: 2 } } }] })
    const later = await connectStream(app.url, `/ws/events?after=${id}`)
    expect(await later.next('forgotten')).toMatchObject({ data: { deviceId: 'tor-1' } })
    expect(await later.next('states')).toMatchObject({ data: [{ deviceId: 'tor-1' }] })
    expect(await app.get('/api/sensors/tor-1/history?metric=n&resolution=raw')).toMatchObject({ points: [[expect.any(Number), 1], [expect.any(Number), 2]] })
    expect(await statusOf(app, '/api/devices/tor-1/restore', 'POST')).toBe(404)
  })

  it.skipIf(!mosquitto)('does not come back by a retained message, also after a restart, but by its own word', async () => {
    const broker = await startMosquitto()
    const env = { NUXT_MQTT_URL: broker.url, NUXT_DATA_DIR: tempFolder(), NUXT_FORGET_UNDO_SECONDS: '1' }
    const first = await startApp(env)
    await first.untilBroker('connected')
    const device = await connectDevice(broker.url)
    await device.publishAsync('sensors/tor-1/state', '{"status":"open","updated_at":"2026-01-01T12:00:00Z"}', { qos: 1, retain: true })
    await device.publishAsync('sensors/tor-1/telemetry', '{"metrics":{"n":1}}', { qos: 1 })
    await until(async () => (await namesOf(first)).length === 1 || undefined, 'the device')
    expect(await statusOf(first, '/api/devices/tor-1', 'DELETE')).toBe(200)
    await until(async () => StorageSchema.parse(await first.get('/api/storage')).devices === 0 || undefined, 'the end of its history')
    expect(await statusOf(first, '/api/devices/tor-1/restore', 'POST')).toBe(404)
    await first.stop()

    const second = await startApp(env)
    await second.untilBroker('connected')
    await device.publishAsync('sensors/tor-2/telemetry', '{"metrics":{"n":2}}', { qos: 1 })
    await until(async () => (await namesOf(second)).includes('tor-2') || undefined, 'another device')
    expect(await namesOf(second)).toEqual(['tor-2'])
    expect(await statusOf(second, '/api/sensors/tor-1/history?metric=n')).toBe(404)
    await device.publishAsync('sensors/tor-1/telemetry', '{"metrics":{"n":3}}', { qos: 1 })
    await until(async () => (await namesOf(second)).includes('tor-1') || undefined, 'the device itself')
    expect(await second.get('/api/sensors/tor-1/history?metric=n&resolution=raw')).toMatchObject({ points: [[expect.any(Number), 3]] })
  })

  it.skipIf(!browser)('is forgotten on its page, and brought back from there', async () => {
    const app = await startApp()
    const device = await connectDevice((await app.untilBroker('connected')).broker.url, { protocolVersion: 4 })
    for (const deviceId of ['tor-1', 'tor-2']) await device.publishAsync(`sensors/${deviceId}/telemetry`, '{"metrics":{"tempC":1.5}}', { qos: 1 })
    const page = await openPage(`${app.url}/devices/tor-1`)
    const other = await openPage(app.url)
    await other.getByText('tor-1').first().waitFor()
    await page.getByTestId('forget-device').click()
    await page.getByText('sensors/tor-1/state').waitFor()
    expect(await axeViolations(page)).toEqual([])
    await page.getByTestId('forget-confirm').click()
    await page.getByText('tor-2').first().waitFor()
    await other.getByTestId('device-announcement').getByText('Forgotten: tor-1.').waitFor({ state: 'attached' })
    await other.getByRole('link', { name: 'tor-1' }).waitFor({ state: 'detached' })
    await page.getByRole('button', { name: 'Undo' }).click()
    await page.getByText('tor-1 is back').first().waitFor()
    await other.getByRole('link', { name: 'tor-1' }).waitFor()
    await page.getByRole('link', { name: 'tor-1' }).waitFor()
  })
})
