import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterAll, describe, expect, it, onTestFinished } from 'vitest'
import { DeviceStateSchema } from '#shared/schemas/device'
import { PresenceAnswerSchema } from '#shared/schemas/history'
import { startApp } from './support/app'
import type { App } from './support/app'
import { connectDevice } from './support/broker'
import { closeBrowser, openPage } from './support/browser'
import { findBrowser } from './support/dependencies'
import { connectStream } from './support/stream'

const browser = await findBrowser().catch(() => undefined)
afterAll(closeBrowser)

const EVERY_MS = 200
/** Faster than once a second counts as once a second. */
const INTERVAL_MS = 1_000

async function startSite(env = {}) {
  const app = await startApp(env)
  const { broker } = await app.untilBroker('connected')
  const device = await connectDevice(broker.url, { protocolVersion: 4 })
  return {
    app,
    device,
    /** Speaks five times a second; calls back to make it silent. */
    speak() {
      const timer = setInterval(() => device.publish('sensors/tor-1/telemetry', '{"metrics":{"tempC":1}}', { qos: 1 }), EVERY_MS)
      const stop = () => clearInterval(timer)
      onTestFinished(stop)
      return stop
    },
    state: async () => DeviceStateSchema.parse(await app.get('/api/sensors/tor-1')),
  }
}

/** A folder for a server that is started more than once. */
function dataDir(): string {
  const folder = mkdtempSync(join(tmpdir(), 'leitstand-presence-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** Speaks once and falls silent after the interval that is decided for it. */
async function fallSilent({ app, device }: Awaited<ReturnType<typeof startSite>>) {
  const stream = await connectStream(app.url)
  await fetch(`${app.url}/api/devices/tor-1`, { method: 'PUT', body: '{"intervalSeconds":1}' })
  await device.publishAsync('sensors/tor-1/telemetry', '{"metrics":{"tempC":1}}', { qos: 1 })
  return stream.next('presence', ({ data }) => data.presence === 'silent')
}

async function linesOf(app: App) {
  const { before, lines } = PresenceAnswerSchema.parse(await app.get('/api/sensors/tor-1/presence'))
  expect(before).toBeNull()
  return lines
}

describe('presence', () => {
  it('follows a device that falls silent within three intervals and comes back, on the stream and in the API', async () => {
    const { app, speak, state } = await startSite()
    const stream = await connectStream(app.url)
    const is = (word: string) => stream.next('presence', ({ data }) => data.presence === word)
    const fallSilent = speak()
    await is('live')
    await stream.next('presence', ({ data }) => data.intervalSeconds !== undefined)
    fallSilent()
    await is('late')
    const { data } = await is('silent')
    expect(data).toMatchObject({ deviceId: 'tor-1', silentAfterSeconds: 2.75 })
    // As it speaks, not as it is judged.
    expect(data.intervalSeconds).toBeLessThan(INTERVAL_MS / 1_000 / 2)
    const { presence, presenceSince, intervalSeconds, silentAfterSeconds, lastSeen } = await state()
    expect({ deviceId: 'tor-1', presence, since: presenceSince, intervalSeconds, silentAfterSeconds }).toEqual(data)
    const silentAfterMs = Date.parse(data.since) - Date.parse(lastSeen ?? '')
    expect(silentAfterMs).toBeGreaterThan(2 * INTERVAL_MS)
    speak()
    await is('live')
    expect((await state()).presence).toBe('live')
  })

  it('goes by the interval that somebody has decided, for a device or its group', async () => {
    const { app, device } = await startSite()
    const stream = await connectStream(app.url)
    const is = (deviceId: string, word: string) => stream.next('presence', ({ data }) => data.deviceId === deviceId && data.presence === word)
    const put = async (path: string, body: object) => {
      const { status } = await fetch(`${app.url}${path}`, { method: 'PUT', body: JSON.stringify(body) })
      expect(status).toBe(200)
    }
    for (const name of ['tor-1', 'tor-2']) {
      await device.publishAsync(`sensors/${name}/telemetry`, '{"metrics":{"tempC":1}}', { qos: 1 })
      await is(name, 'live')
    }
    // One message teaches nothing: undecided, both would be live for a day.
    await put('/api/devices/tor-1', { intervalSeconds: 1 })
    expect(await is('tor-1', 'silent')).toMatchObject({ data: { intervalSeconds: 1, silentAfterSeconds: 2.75 } })
    await put('/api/devices/tor-2', { group: 'Hall' })
    await put('/api/groups/Hall', { intervalSeconds: 1 })
    expect(await is('tor-2', 'silent')).toMatchObject({ data: { intervalSeconds: 1 } })
  })

  it('is not revived by what the broker has kept, and offline by its last word', async () => {
    const { app, device, state } = await startSite()
    const stream = await connectStream(app.url)
    const is = (word: string) => stream.next('presence', ({ data }) => data.presence === word)
    await device.publishAsync('sensors/tor-1/telemetry', '{"metrics":{"tempC":1}}', { qos: 1 })
    await is('live')
    await device.publishAsync('sensors/tor-1/state', '{"status":"offline","updated_at":"2026-01-01T00:00:00Z"}', { qos: 1 })
    await is('offline')
    expect((await state()).presence).toBe('offline')
    await device.publishAsync('sensors/tor-1/state', '{"status":"online","updated_at":"2026-01-01T00:00:00Z"}', { qos: 1 })
    await is('live')
  })

  it('is in the history after a restart, which is a line of its own', async () => {
    const NUXT_DATA_DIR = dataDir()
    const first = await startSite({ NUXT_DATA_DIR })
    const { data } = await fallSilent(first)
    const lines = await linesOf(first.app)
    expect(lines.map(({ presence }) => presence)).toEqual(['live', 'late', 'silent'])
    expect(lines.at(-1)?.at).toBe(data.since)
    await first.app.stop()

    const second = await startSite({ NUXT_DATA_DIR })
    const after = await linesOf(second.app)
    expect(after.slice(0, -1)).toEqual(lines)
    expect(after.at(-1)?.presence).toBe('unknown')
    await fallSilent(second)
    expect((await linesOf(second.app)).map(({ presence }) => presence)).toEqual(['live', 'late', 'silent', 'unknown', 'live', 'late', 'silent'])
  })

  it('has the limit that was kept after a restart, and of an older file the one of the interval that stands there', async () => {
    const NUXT_DATA_DIR = dataDir()
    const first = await startSite({ NUXT_DATA_DIR })
    const stream = await connectStream(first.app.url)
    await first.device.publishAsync('sensors/tor-1/telemetry', '{"metrics":{"tempC":1}}', { qos: 1 })
    await stream.next('presence', ({ data }) => data.presence === 'live')
    // Who exports has the device packed, and with that its state kept.
    await (await fetch(`${first.app.url}/api/sensors/tor-1/export?from=0`)).text()
    await first.app.stop()
    const rhythmWith = async (change: string) => {
      const database = new DatabaseSync(join(NUXT_DATA_DIR, 'history.db'))
      expect(database.prepare(`UPDATE device SET state = ${change} WHERE name = 'tor-1'`).run().changes).toBe(1)
      database.close()
      const { app, state } = await startSite({ NUXT_DATA_DIR })
      const { presence, intervalSeconds, silentAfterSeconds } = await state()
      await app.stop()
      return { presence, intervalSeconds, silentAfterSeconds }
    }
    expect(await rhythmWith(`json_set(state, '$.intervalSeconds', 10, '$.silentAfterSeconds', 66)`)).toEqual({ presence: 'unknown', intervalSeconds: 10, silentAfterSeconds: 66 })
    expect(await rhythmWith(`json_remove(json_set(state, '$.intervalSeconds', 12), '$.silentAfterSeconds')`)).toEqual({ presence: 'unknown', intervalSeconds: 12, silentAfterSeconds: 33 })
  })

  it.skipIf(!browser)('is drawn in the history of its page, follows live, and ends at a past moment', async () => {
    const site = await startSite()
    const { app } = site
    await fallSilent(site)
    const page = await openPage(`${app.url}/devices/tor-1?range=5m`)
    const readout = (text: RegExp) => page.getByTestId('history-presence').getByTestId('history-readout').filter({ hasText: text }).waitFor()
    await readout(/^silent since/)
    site.speak()
    await readout(/^live since/)
    await page.getByTestId('history-presence').getByRole('button', { name: 'Presence as table' }).click()
    await page.getByRole('region', { name: 'Presence: values as table' }).getByRole('row', { name: /silent$/ }).waitFor()

    const { lines } = PresenceAnswerSchema.parse(await app.get('/api/sensors/tor-1/presence'))
    const silentAt = lines.find(({ presence }) => presence === 'silent')?.at
    await page.goto(`${app.url}/devices/tor-1?range=5m&at=${silentAt}`)
    await readout(/^silent since/)
  })

  it.skipIf(!browser)('is shown in words on the page', async () => {
    const { app, speak } = await startSite()
    const page = await openPage(`${app.url}/devices/tor-1`)
    const says = (text: RegExp) => page.getByTestId('presence').filter({ hasText: text }).waitFor()
    const fallSilent = speak()
    await says(/live, reports every 0\.\d\ssecs?, silent after 2\.8\ssecs/)
    fallSilent()
    await says(/silent for \d/)
    await page.getByTestId('device-announcement').filter({ hasText: 'Fallen silent: tor-1.' }).waitFor({ state: 'attached' })
    speak()
    await says(/live, reports/)
  })
})
