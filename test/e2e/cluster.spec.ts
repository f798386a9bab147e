import { describe, expect, it, onTestFinished } from 'vitest'
import { DeviceStatesSchema } from '#shared/schemas/device'
import { EXPORT_MESSAGES_HEADER, HistoryAnswerSchema } from '#shared/schemas/history'
import { connectDevice } from './support/broker'
import { startCluster, storedNumbers } from './support/cluster'
import { mosquitto, postgres } from './support/dependencies'
import { connectStream } from './support/stream'
import { until } from './support/until'

const begin = Date.now() - 3_600_000
const message = (n: number) => `{"ts":"${new Date(begin + n).toISOString()}","metrics":{"n":${n}}}`

const NUMBERS = 20_000
/** A replica of that place is killed and another one started, or the database restarted. */
const EVENTS = [0, 1, 'database', 2, 0] as const
const PHASE = NUMBERS / (EVENTS.length + 1)

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

  it('store every message exactly once while they are killed and started in turn and the database is restarted, all busy', async () => {
    const { broker, database, replica } = await startCluster()
    const apps = [await replica(), await replica(), await replica()]
    onTestFinished(({ task }) => { if (task.result?.state === 'fail') console.info(apps.map(app => app.output()).join('\n---\n')) })
    await Promise.all(apps.map(app => app.untilBroker('connected')))
    const device = await connectDevice(broker.url, { clientId: 'gate' })
    let acknowledged = 0
    let next = 0
    let happened = 0
    const timer = setInterval(() => {
      for (let burst = 0; burst < 30 && next < Math.min(NUMBERS, PHASE * (happened + 1)); burst++) {
        void device.publishAsync('sensors/gate/telemetry', message(next++), { qos: 1 }).then(() => void acknowledged++)
      }
    }, 10)
    onTestFinished(() => clearInterval(timer))
    for (const event of EVENTS) {
      await until(() => acknowledged >= PHASE * happened + 500 || undefined, 'traffic')
      if (event === 'database') {
        await database.stop('SIGQUIT')
        await apps[0]?.untilBroker('store-failed')
        await database.start()
      }
      else {
        await apps[event]?.stop('SIGKILL')
        apps[event] = await replica()
      }
      happened++
    }
    await until(() => acknowledged >= NUMBERS || undefined, 'all to be taken by the broker')
    await Promise.all(apps.map(app => app.untilBroker('connected')))
    for (const app of apps) {
      await until(async () => (await storedNumbers(app).catch(() => [])).length >= NUMBERS || undefined, 'all numbers', 30_000)
      expect(await storedNumbers(app)).toEqual(Array.from({ length: NUMBERS }, (_, n) => n))
    }
    // Not only different ones: the same sample twice would be one.
    const exported = await fetch(`${apps[1]?.url}/api/sensors/gate/export?from=0`)
    expect(exported.headers.get(EXPORT_MESSAGES_HEADER)).toBe(String(NUMBERS))
  }, 180_000)
})
