import { HistoryAnswerSchema } from '#shared/schemas/history'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { startApp } from './support/app'
import type { App } from './support/app'
import { connectDevice, startMosquitto } from './support/broker'
import { mosquitto } from './support/dependencies'
import { until } from './support/until'

function dataFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'leitstand-durable-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** Every stored value of a metric, in order of time. */
async function stored(app: App, deviceId: string, metric: string): Promise<unknown[]> {
  const answer = HistoryAnswerSchema.parse(await app.get(`/api/sensors/${deviceId}/history?metric=${metric}&resolution=raw&limit=100000&from=0`))
  if (answer.kind !== 'samples') throw new Error('not raw')
  return answer.points.map(([, value]) => value)
}

const NUMBERS = 20_000
const EVENTS = ['kill', 'broker', 'kill', 'kill'] as const
const PHASE = NUMBERS / (EVENTS.length + 1)
/** Some ways to stamp numbered messages: by the device's clock in milliseconds, not at all, and ten to a second. */
const STAMPS: Record<string, (n: number) => string> = {
  'a time each': n => `"ts":"${new Date(Date.UTC(2026, 0, 1) + n).toISOString()}",`,
  'no time': () => '',
  'ten to the second': n => `"ts":"${new Date(Date.UTC(2026, 0, 1) + Math.floor(n / 10) * 1000).toISOString()}",`,
}

describe.skipIf(!mosquitto)('nothing is lost and nothing doubled', () => {
  it.each(Object.entries(STAMPS))('with %s, while the server is killed three times and the broker restarted, all busy', async (_, stamp) => {
    const broker = await startMosquitto(['allow_anonymous true', 'max_inflight_messages 1000'])
    const env = { NUXT_MQTT_URL: broker.url, NUXT_DATA_DIR: dataFolder() }
    let app = await startApp(env)
    await app.untilBroker('connected')
    const device = await connectDevice(broker.url, { reconnectPeriod: 50, clientId: 'gate', clean: false, properties: { sessionExpiryInterval: 600 } })
    device.on('error', () => {})
    // What the publisher sends again, because the broker went down before acknowledging, is a new message to everybody else.
    const sends = new Map<string, number>()
    device.on('packetsend', (packet) => {
      if (packet.cmd === 'publish') sends.set(String(packet.payload), (sends.get(String(packet.payload)) ?? 0) + 1)
    })

    const message = (n: number) => `{${stamp(n)}"metrics":{"n":${n}}}`
    let acknowledged = 0
    let next = 0
    let happened = 0
    const pending: Promise<void>[] = []
    // About 3,000 a second, whether the broker is there or not, but only so many before each event: all of them hit a busy site,
    // however slow the machine.
    const timer = setInterval(() => {
      for (let burst = 0; burst < 30 && next < Math.min(NUMBERS, PHASE * (happened + 1)); burst++) {
        const n = next++
        pending.push(device.publishAsync('sensors/gate/telemetry', message(n), { qos: 1 }).then(() => void acknowledged++))
      }
    }, 10)
    onTestFinished(() => clearInterval(timer))
    for (const event of EVENTS) {
      await until(() => acknowledged >= PHASE * happened + 1_000 || undefined, 'traffic')
      if (event === 'kill') {
        await app.stop('SIGKILL')
        app = await startApp(env)
      }
      else {
        await broker.stop()
        await broker.start()
      }
      happened++
    }
    await until(() => next >= NUMBERS || undefined, 'all to be sent')
    await Promise.all(pending)
    await app.untilBroker('connected')
    await until(async () => (await stored(app, 'gate', 'n')).length >= NUMBERS || undefined, 'all numbers')
    const numbers = await stored(app, 'gate', 'n')
    const doubled = numbers.filter((n, i) => numbers.indexOf(n) !== i)
    const sentOnce = doubled.filter(n => sends.get(message(Number(n))) === 1)
    expect(new Set(numbers).size).toBe(NUMBERS)
    expect(stamp(0) ? doubled : sentOnce).toEqual([])
  })
})
