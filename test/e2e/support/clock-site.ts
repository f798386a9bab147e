import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { DeviceStateSchema } from '#shared/schemas/device'
import type { DeviceState } from '#shared/schemas/device'
import { HistoryAnswerSchema } from '#shared/schemas/history'
import { launchApp } from './app'
import type { App, Env } from './app'
import { connectDevice, startMosquitto } from './broker'
import { until } from './until'

const SHIFT = new URL('./shifted-clock.mjs', import.meta.url).href

/** A broker, a device and a server, whose clock can be set while it runs and while it does not. */
export async function openClockSite(more: Env = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'leitstand-clocks-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const clockFile = join(folder, 'clock')
  writeFileSync(clockFile, '0')
  const broker = await startMosquitto()
  const device = await connectDevice(broker.url)
  const env: Env = { NUXT_MQTT_URL: broker.url, NUXT_DATA_DIR: join(folder, 'data'), NODE_OPTIONS: `--import=${SHIFT}`, TEST_CLOCK_FILE: clockFile, ...more }
  let app: App | undefined
  onTestFinished(async () => void await app?.stop('SIGKILL'))

  async function start(): Promise<App> {
    app = await launchApp(env)
    await app.untilBroker('connected')
    return app
  }
  const running = () => {
    if (!app) throw new Error('Not started.')
    return app
  }
  return {
    start, device,
    app: running,
    /** How far the server's clock is off, in milliseconds. */
    setClock: (offMs: number) => writeFileSync(clockFile, String(offMs)),
    async restart(signal?: NodeJS.Signals) {
      await running().stop(signal)
      return start()
    },
    /** @param ts In milliseconds from now by the right clock; a text as it is; undefined: none. */
    say: (deviceId: string, metrics: object, ts?: number | string, more: object = {}, retain = false) => device.publishAsync(
      `sensors/${deviceId}/telemetry`,
      JSON.stringify({ ...(ts !== undefined && { ts: typeof ts === 'number' ? new Date(Date.now() + ts).toISOString() : ts }), metrics, ...more }),
      { qos: 1, retain },
    ),
    sayState: (deviceId: string, status: string, atMs: number, retain = true) => device.publishAsync(
      `sensors/${deviceId}/state`, JSON.stringify({ status, updated_at: new Date(Date.now() + atMs).toISOString() }), { qos: 1, retain },
    ),
    state: async (deviceId: string) => DeviceStateSchema.parse(await running().get(`/api/sensors/${deviceId}`)),
    /** Resolves when a device that may not be known yet is as is wanted. */
    untilState: (deviceId: string, isWanted: (state: DeviceState) => boolean) => until(async () => {
      const { data } = DeviceStateSchema.safeParse(await running().get(`/api/sensors/${deviceId}`))
      return data && isWanted(data) ? data : undefined
    }, `another state of ${deviceId}`),
    history: async (deviceId: string, metric: string, more = '') => HistoryAnswerSchema.parse(
      await running().get(`/api/sensors/${deviceId}/history?metric=${metric}${more}`),
    ),
  }
}
