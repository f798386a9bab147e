import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { launchApp, startApp } from './support/app'
import { connectDevice, startMosquitto } from './support/broker'
import { mosquitto } from './support/dependencies'
import { until } from './support/until'

function dataDir(): string {
  const folder = mkdtempSync(join(tmpdir(), 'leitstand-owner-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

describe('the data folder', () => {
  it.each(['on', 'off'])('is for one process at a time, which goes on storing (history %s)', async (history) => {
    const env = { NUXT_DATA_DIR: dataDir(), NUXT_HISTORY: history }
    const first = await startApp(env)
    const { broker } = await first.untilBroker('connected')
    await expect(launchApp(env)).rejects.toThrow(/The data folder is in use\. Another process \(\d+ on .+\) has it; stop that one, or give this one another folder with NUXT_DATA_DIR\.\s*$/)
    const device = await connectDevice(broker.url, { protocolVersion: 4 })
    await device.publishAsync('sensors/mill/telemetry', '{"metrics":{"n":1}}', { qos: 1 })
    await until(async () => (await first.health()).messages.accepted === 1 || undefined, 'the message')
    expect(await first.health()).toMatchObject({ status: 'ok' })
    // Killed it leaves nothing that would be in the way.
    await first.stop('SIGKILL')
    const again = await startApp(env)
    await again.untilBroker('connected')
  })
})

describe.skipIf(!mosquitto)('a broker that is restarted again and again', () => {
  it.each(['SIGTERM', 'SIGKILL'] as const)('is not taken for another client with the same id (%s)', async (signal) => {
    const broker = await startMosquitto()
    const app = await startApp({ NUXT_MQTT_URL: broker.url, NUXT_MQTT_CLIENT_ID: 'alone' })
    for (let times = 0; times < 4; times++) {
      await app.untilBroker('connected')
      await broker.stop(signal)
      await until(async () => (await app.health()).broker.code !== 'connected' || undefined, 'the loss')
      // As long as a broker is away that is restarted.
      await new Promise(resolve => setTimeout(resolve, 1_500))
      await broker.start()
    }
    await app.untilBroker('connected')
    expect(app.output()).not.toContain('another client uses the name')
  })
})

describe.skipIf(!mosquitto)('two servers with one client id', () => {
  it('slow down, and say why, at a broker that only closes the connection', async () => {
    const broker = await startMosquitto()
    const env = { NUXT_MQTT_URL: broker.url, NUXT_MQTT_CLIENT_ID: 'twin' }
    const apps = [await startApp(env), await startApp(env)]
    const words = 'another client uses the name twin. Give each application its own with NUXT_MQTT_CLIENT_ID.'
    const told = await until(() => apps.find(app => app.output().includes(words)), 'one of them to say it')
    // Whoever is alone comes back by itself.
    const other = apps.find(app => app !== told)
    await other?.stop()
    await told.untilBroker('connected')
  })
})
