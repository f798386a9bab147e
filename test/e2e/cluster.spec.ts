import { describe, expect, it, onTestFinished } from 'vitest'
import { DeviceStatesSchema } from '#shared/schemas/device'
import { HistoryAnswerSchema } from '#shared/schemas/history'
import { connectDevice } from './support/broker'
import { startCluster, storedNumbers } from './support/cluster'
import { mosquitto, postgres } from './support/dependencies'
import { connectStream } from './support/stream'
import { until } from './support/until'

const begin = Date.now() - 3_600_000
const message = (n: number) => `{"ts":"${new Date(begin + n).toISOString()}","metrics":{"n":${n}}}`

describe.skipIf(!mosquitto || !postgres)('replicas', () => {
  it('share the messages, and all of them show and keep all of them', async () => {
    const { broker, replica } = await startCluster()
    const apps = [await replica(), await replica(), await replica()]
    await Promise.all(apps.map(app => app.untilBroker('connected')))
    const streams = await Promise.all(apps.map(app => connectStream(app.url, '/ws/events?after=')))
    await Promise.all(streams.map(stream => stream.next('snapshot')))
    const device = await connectDevice(broker.url, { clientId: 'gate' })
    for (let n = 0; n < 300; n++) await device.publishAsync('sensors/gate/telemetry', message(n), { qos: 1 })
    for (const stream of streams) await stream.next('telemetry', ({ data }) => data.metrics.n === 299)
    const told = streams.map(({ events }) => events.flatMap(event => event.type === 'telemetry' ? [event] : []))
    expect(told[0]).toHaveLength(300)
    // The same events under the same names, in the same order.
    for (const other of told) expect(other).toEqual(told[0])
    const health = await Promise.all(apps.map(app => app.health()))
    for (const { messages } of health) expect(messages.received).toBeGreaterThan(0)
    expect(health.reduce((sum, { messages }) => sum + messages.received, 0)).toBe(300)
    for (const app of apps) {
      expect(await storedNumbers(app)).toHaveLength(300)
      const [state] = DeviceStatesSchema.parse(await app.get('/api/sensors'))
      expect(state).toMatchObject({ deviceId: 'gate', presence: 'live', values: { n: { value: 299 } } })
    }
    const leading = apps.filter(app => app.output().includes('This replica leads now'))
    expect(leading).toHaveLength(1)
    const chart = HistoryAnswerSchema.parse(await apps[2]?.get('/api/sensors/gate/history?metric=n'))
    if (chart.kind !== 'number') throw new Error(chart.kind)
    expect(chart.points.reduce((sum, { count }) => sum + count, 0)).toBe(300)
    onTestFinished(({ task }) => { if (task.result?.state === 'fail') console.info(apps.map(app => app.output()).join('\n---\n')) })
  }, 60_000)
})
