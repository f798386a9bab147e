import { HistoryAnswerSchema } from '#shared/schemas/history'
import { execFile } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, it, onTestFinished } from 'vitest'
import { startApp } from './support/app'
import type { App } from './support/app'
import { connectDevice, startMosquitto } from './support/broker'
import { mosquitto } from './support/dependencies'
import { until } from './support/until'

const run = promisify(execFile)

function tempFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'leitstand-backup-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

function tool(name: 'backup' | 'restore', ...args: string[]) {
  return run(process.execPath, [`tools/${name}.ts`, ...args])
}

/** The server with its broker: Mosquitto, or the one inside it. */
async function startSite(data: string): Promise<{ app: App, brokerUrl: string }> {
  const broker = mosquitto ? await startMosquitto(['allow_anonymous true', 'max_inflight_messages 1000']) : undefined
  const app = await startApp({ NUXT_DATA_DIR: data, ...(broker && { NUXT_MQTT_URL: broker.url }) })
  const { broker: { url } } = await app.untilBroker('connected')
  return { app, brokerUrl: broker?.url ?? url }
}

/** Publishes 0, 1, 2 … about a thousand times a second until stopped; how many the broker has taken. */
async function publishNumbers(url: string) {
  const device = await connectDevice(url, { protocolVersion: 4 })
  const pending: Promise<void>[] = []
  let sent = 0
  let taken = 0
  const timer = setInterval(() => {
    for (let burst = 0; burst < 10; burst++) {
      pending.push(device.publishAsync('sensors/gate/telemetry', `{"metrics":{"n":${sent++}}}`, { qos: 1 }).then(() => void taken++))
    }
  }, 10)
  onTestFinished(() => clearInterval(timer))
  return {
    taken: () => taken,
    async stop() {
      clearInterval(timer)
      await Promise.all(pending)
    },
  }
}

async function answer(app: App, range = '') {
  return HistoryAnswerSchema.parse(await app.get(`/api/sensors/gate/history?metric=n&resolution=raw&limit=100000&from=0${range}`))
}

async function stored(app: App): Promise<unknown[]> {
  const { points, kind } = await answer(app)
  return kind === 'samples' ? points.map(([, value]) => value) : []
}

/** A server under load, a backup made meanwhile, and what was known to be stored before it began. */
async function backUpUnderLoad() {
  const data = tempFolder()
  const file = join(tempFolder(), 'history.backup')
  const { app, brokerUrl } = await startSite(data)
  const numbers = await publishNumbers(brokerUrl)
  await until(() => numbers.taken() >= 2_000 || undefined, 'traffic')
  const mark = numbers.taken()
  await until(async () => (await stored(app)).length >= mark || undefined, 'what the broker took to be stored')
  const range = `&to=${new Date().toISOString()}`
  const before = await answer(app, range)
  const known = (await stored(app)).length
  const { stdout } = await tool('backup', file, '--data', data)
  const duringBackup = (await stored(app)).length - known
  await numbers.stop()
  return { app, data, file, range, before, known, stdout, duringBackup, numbers }
}

describe('a backup of a server under load', () => {
  it('brings back everything stored before it began, in an unbroken row, and nothing twice', async () => {
    const { app, data, file, range, before, known, stdout, duringBackup } = await backUpUnderLoad()
    expect(stdout).toMatch(/copied .* MB \(100 %\)\n[^]*Backed up/)
    expect(duringBackup).toBeGreaterThan(0)
    await expect(tool('restore', file, '--data', data, '--force')).rejects.toMatchObject({ code: 1, stderr: expect.stringMatching(/ is in use by another process .*: stop the server first\./) })
    await app.stop()

    const restored = tempFolder()
    const report = await tool('restore', file, '--data', restored)
    expect(report.stdout).toContain('Restored')
    expect(readdirSync(restored)).toEqual(['history.db'])
    const second = await startApp({ NUXT_DATA_DIR: restored })
    const numbers = await stored(second)
    expect(numbers.length).toBeGreaterThanOrEqual(known)
    expect(numbers).toEqual(Array.from({ length: numbers.length }, (_, n) => n))
    expect(await answer(second, range)).toEqual(before)
  })

  it('goes back over what came later, which is kept beside', async () => {
    const { app, data, file, known, numbers } = await backUpUnderLoad()
    await until(async () => (await stored(app)).length >= numbers.taken() || undefined, 'all to be stored')
    await app.stop()
    const { stdout } = await tool('restore', file, '--data', data, '--force')
    expect(stdout).toMatch(/The history that was there is now \S+history\.db\.before-restore-/)
    const second = await startApp({ NUXT_DATA_DIR: data })
    const restored = await stored(second)
    expect(restored.length).toBeGreaterThanOrEqual(known)
    expect(restored.length).toBeLessThan(numbers.taken())
  })
})
