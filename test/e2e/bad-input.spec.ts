import { RejectionReportSchema } from '#shared/schemas/rejection'
import type { MqttClient } from 'mqtt'
import { describe, expect, it } from 'vitest'
import { malformed } from '../fixtures/malformed'
import { startApp } from './support/app'
import type { App } from './support/app'
import { connectDevice, startMosquitto } from './support/broker'
import { mosquitto } from './support/dependencies'
import { connectStream } from './support/stream'
import type { Stream } from './support/stream'
import { until } from './support/until'

const MEGABYTE = 1_000_000

async function startSite() {
  const broker = mosquitto ? await startMosquitto() : undefined
  const app = await startApp(broker ? { NUXT_MQTT_URL: broker.url } : {})
  const { broker: { url } } = await app.untilBroker('connected')
  const device = await connectDevice(url, { protocolVersion: 4 })
  return { app, device, stream: await connectStream(app.url) }
}

let good = 0
/** The next good message reaches the stream. */
async function expectGood(device: MqttClient, stream: Stream) {
  const n = good++
  await device.publishAsync('sensors/good/telemetry', `{"metrics":{"n":${n}}}`, { qos: 1 })
  await stream.next('telemetry', ({ data }) => data.deviceId === 'good' && data.metrics.n === n)
}

async function report(app: App) {
  return RejectionReportSchema.parse(await app.get('/api/rejections'))
}

describe('bad input disturbs nothing else', () => {
  it(`after each of ${malformed.length} malformed messages the next good one arrives, and the reason is named`, async () => {
    const { app, device, stream } = await startSite()
    const expected: Record<string, number> = {}
    for (const { topic, payload, reason } of malformed) {
      await device.publishAsync(topic, payload, { qos: 1 })
      await expectGood(device, stream)
      expected[reason] = (expected[reason] ?? 0) + 1
    }
    const { total, byReason, recent } = await report(app)
    expect({ total, byReason }).toEqual({ total: malformed.length, byReason: expected })
    expect(recent).toHaveLength(200)
    expect(recent[0]?.topic).toBe(malformed.at(-1)?.topic)
    expect((await app.health()).devices).toBe(1)
  })

  it('rejects payloads of 10 MB while memory stays bounded', async () => {
    const { app, device, stream } = await startSite()
    await expectGood(device, stream)
    const before = app.memoryBytes()
    const payload = Buffer.alloc(10 * MEGABYTE, 'x')
    for (let n = 0; n < 10; n++) await device.publishAsync('sensors/big/telemetry', payload, { qos: 1 })
    await expectGood(device, stream)
    expect((await report(app)).byReason).toEqual({ 'payload-too-large': 10 })
    expect(app.memoryBytes() - before).toBeLessThan(150 * MEGABYTE)
  })

  it('survives a flood of 200,000 device names: known devices go on, the rest is counted', async () => {
    const { app, device, stream } = await startSite()
    await expectGood(device, stream)
    const names = 200_000
    for (let start = 0; start < names; start += 1_000) {
      await Promise.all(Array.from({ length: 1_000 }, (_, i) => device.publishAsync(`sensors/flood-${start + i}/telemetry`, '{"metrics":{"tempC":1}}')))
      // QoS 0 is dropped by a broker whose queue is full: one acknowledged message a batch keeps the pace.
      await expectGood(device, stream)
    }
    await until(async () => (await app.health()).devices === 100_000 || undefined, 'the limit')
    const { byReason } = await report(app)
    expect(byReason).toEqual({ 'device-limit': names - 99_999 })
    await expectGood(device, stream)
    expect(app.memoryBytes()).toBeLessThan(700 * MEGABYTE)
  }, 180_000)
})
