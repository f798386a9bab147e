import { describe, expect, it, onTestFinished } from 'vitest'
import { DeviceStatesSchema } from '#shared/schemas/device'
import { HistoryAnswerSchema } from '#shared/schemas/history'
import { startNginx } from '../../tools/programs/nginx'
import type { App } from './support/app'
import { connectDevice } from './support/broker'
import { message, startCluster, storedNumbers } from './support/cluster'
import { mosquitto, nginx, postgres } from './support/dependencies'
import { connectStream } from './support/stream'
import type { Stream } from './support/stream'
import { until } from './support/until'

describe.skipIf(!mosquitto || !postgres)('replicas', () => {
  it('share the messages, and all of them show and keep all of them', async () => {
    const { broker, replica } = await startCluster()
    const apps = [await replica(), await replica(), await replica()]
    await Promise.all(apps.map(app => app.untilBroker('connected')))
    const streams = await Promise.all(apps.map(app => connectStream(app.url, '/ws/events?after=')))
    await Promise.all(streams.map(stream => stream.next('snapshot')))
    const device = await connectDevice(broker.url, { clientId: 'gate' })
    for (let n = 0; n < 300; n++) await device.publishAsync('sensors/gate/telemetry', message(n), { qos: 1 })
    // Not the last one: what another replica has taken may be stored behind it.
    const telemetryOf = ({ events }: Stream) => events.flatMap(event => event.type === 'telemetry' ? [event] : [])
    await until(() => streams.every(stream => telemetryOf(stream).length >= 300) || undefined, 'all to be told')
    const told = streams.map(telemetryOf)
    expect(told[0]).toHaveLength(300)
    // The same events under the same names, in the same order.
    for (const other of told) expect(other).toEqual(told[0])
    const health = await Promise.all(apps.map(app => app.health()))
    for (const { messages } of health) expect(messages.received).toBeGreaterThan(0)
    expect(health.reduce((sum, { messages }) => sum + messages.received, 0)).toBe(300)
    for (const app of apps) {
      expect(await storedNumbers(app)).toHaveLength(300)
      const state = await until(async () => DeviceStatesSchema.parse(await app.get('/api/sensors')).find(({ presence }) => presence === 'live'), 'the device to be live')
      expect(state).toMatchObject({ deviceId: 'gate', values: { n: { value: 299 } } })
    }
    await untilOneLeads(apps)
    const chart = HistoryAnswerSchema.parse(await apps[2]?.get('/api/sensors/gate/history?metric=n'))
    if (chart.kind !== 'number') throw new Error(chart.kind)
    expect(chart.points.reduce((sum, { count }) => sum + count, 0)).toBe(300)
    onTestFinished(({ task }) => { if (task.result?.state === 'fail') console.info(apps.map(app => app.output()).join('\n---\n')) })
  })

  it('know of each other what people say and who they are, and whoever leads finds who is silent', async () => {
    const { broker, replica } = await startCluster()
    const apps = [await replica(), await replica()]
    await Promise.all(apps.map(app => app.untilBroker('connected')))
    onTestFinished(({ task }) => { if (task.result?.state === 'fail') console.info(apps.map(app => app.output()).join('\n---\n')) })
    const [a, b] = apps
    if (!a || !b) throw new Error('not started')
    const ask = (app: App, path: string, method = 'GET', body?: object, cookie = '') => fetch(app.url + path, {
      method, ...(body && { body: JSON.stringify(body) }), headers: { ...(body && { 'content-type': 'application/json' }), ...(cookie && { cookie }), origin: app.url },
    })
    const device = await connectDevice(broker.url, { clientId: 'gate' })
    const streams = [await connectStream(a.url, '/ws/events?after='), await connectStream(b.url, '/ws/events?after=')]
    expect((await ask(a, '/api/devices/gate', 'PUT', { name: 'North gate', group: 'gates', intervalSeconds: 1 })).status).toBe(200)
    await device.publishAsync('sensors/gate/telemetry', '{"metrics":{"n":1}}', { qos: 1 })
    const told = await Promise.all(streams.map(stream => stream.next('device')))
    expect(told[0]).toEqual(told[1])
    expect(await (await ask(b, '/api/devices/gate')).json()).toMatchObject({ name: 'North gate', group: 'gates' })
    const silent = await Promise.all(streams.map(stream => stream.next('presence', ({ data }) => data.presence === 'silent')))
    expect(silent[0]).toEqual(silent[1])
    expect(silent[0]).toMatchObject({ data: { intervalSeconds: 1, silentAfterSeconds: 2.75 } })
    // One that starts later reads it.
    const later = await replica()
    await later.untilBroker('connected')
    expect(DeviceStatesSchema.parse(await later.get('/api/sensors'))).toMatchObject([{ presence: 'silent', intervalSeconds: 1, silentAfterSeconds: 2.75 }])

    const first = await ask(a, '/api/first-account', 'POST', { name: 'Ada', password: 'correct horse battery', code: /code ([\w-]+)/.exec(b.output())?.[1] })
    expect(first.status).toBeLessThan(300)
    const cookie = String(first.headers.get('set-cookie')?.split(';')[0])
    expect(await (await ask(b, '/api/session', 'GET', undefined, cookie)).json()).toMatchObject({ name: 'Ada', role: 'admin' })
    expect((await ask(b, '/api/sensors')).status).toBe(401)
    for (const stream of streams) expect((await stream.closed).code).toBe(4401)

    expect((await ask(b, '/api/devices/gate', 'DELETE', undefined, cookie)).status).toBe(200)
    for (const app of apps) await until(async () => (await (await ask(app, '/api/sensors', 'GET', undefined, cookie)).json()).length === 0 || undefined, 'the device to be hidden')
    expect((await ask(a, '/api/devices/gate/restore', 'POST', {}, cookie)).status).toBe(200)
    for (const app of apps) await until(async () => (await (await ask(app, '/api/sensors', 'GET', undefined, cookie)).json()).length === 1 || undefined, 'the device to be back')

    expect((await ask(a, '/api/session', 'DELETE', undefined, cookie)).status).toBeLessThan(300)
    await until(async () => (await ask(b, '/api/sensors', 'GET', undefined, cookie)).status === 401 || undefined, 'the session to be over elsewhere')
  })

  it('go on showing what comes while the database is away, say so, and store it afterwards', async () => {
    const { broker, database, replica } = await startCluster()
    const apps = [await replica(), await replica()]
    onTestFinished(({ task }) => { if (task.result?.state === 'fail') console.info(apps.map(app => app.output()).join('\n---\n')) })
    await Promise.all(apps.map(app => app.untilBroker('connected')))
    const streams = await Promise.all(apps.map(app => connectStream(app.url, '/ws/events?after=')))
    const device = await connectDevice(broker.url, { clientId: 'gate' })
    await device.publishAsync('sensors/gate/telemetry', message(0), { qos: 1 })
    for (const stream of streams) await stream.next('telemetry', ({ data }) => data.metrics.n === 0)
    await database.stop('SIGQUIT')
    for (const app of apps) await app.untilBroker('store-failed')
    await device.publishAsync('sensors/gate/telemetry', message(1), { qos: 1 })
    for (const stream of streams) await stream.next('telemetry', ({ data }) => data.metrics.n === 1)
    await database.start()
    for (const app of apps) await app.untilBroker('connected')
    await device.publishAsync('sensors/gate/telemetry', message(2), { qos: 1 })
    for (const stream of streams) await stream.next('telemetry', ({ data }) => data.metrics.n === 2)
    for (const app of apps) await until(async () => JSON.stringify(await storedNumbers(app)) === '[0,1,2]' || undefined, 'all of them to be stored')
    await untilOneLeads(apps)
  })

  it.skipIf(!nginx)('let another one lead when one does not hear the broker any more', async () => {
    const { broker, replica } = await startCluster()
    const way = await startNginx({ replicas: [], brokers: [broker.port] })
    const deaf = await replica(0, { NUXT_MQTT_URL: `mqtt://127.0.0.1:${way.applicationPort}` })
    await until(() => deaf.output().includes('leads now') || undefined, 'the first to lead')
    const other = await replica()
    await other.untilBroker('connected')
    onTestFinished(({ task }) => { if (task.result?.state === 'fail') console.info([deaf, other].map(app => app.output()).join('\n---\n')) })
    await way.stop()
    await until(() => other.output().includes('leads now') || undefined, 'the other one to lead')
    expect(deaf.output()).toContain('does not lead any more')
    // What it could not hear it knows all the same.
    const device = await connectDevice(broker.url, { clientId: 'gate' })
    // Mosquitto gives each its turn, also one that is not connected: its share waits until it is.
    for (const n of [1, 2, 3, 4]) await device.publishAsync('sensors/gate/telemetry', message(n), { qos: 1 })
    await until(async () => (await deaf.health()).devices === 1 || undefined, 'the device at both')
  })

  it('say goodbye one after the other, and lose nothing', async () => {
    const { broker, replica } = await startCluster()
    const apps = [await replica(), await replica()]
    await Promise.all(apps.map(app => app.untilBroker('connected')))
    onTestFinished(({ task }) => { if (task.result?.state === 'fail') console.info(apps.map(app => app.output()).join('\n---\n')) })
    const device = await connectDevice(broker.url, { clientId: 'gate' })
    let next = 0
    const timer = setInterval(() => void device.publishAsync('sensors/gate/telemetry', message(next++), { qos: 1 }), 2)
    onTestFinished(() => clearInterval(timer))
    for (const place of [0, 1]) {
      const stream = await connectStream(apps[place]?.url ?? '', '/ws/events?after=')
      const since = next
      await stream.next('telemetry', ({ data }) => Number(data.metrics.n) > since)
      expect(await apps[place]?.stop('SIGTERM')).toBe(0)
      expect((await stream.closed).code).toBe(1012)
      apps[place] = await replica()
      await apps[place]?.untilBroker('connected')
    }
    clearInterval(timer)
    for (const app of apps) await until(async () => (await storedNumbers(app)).length === next || undefined, 'all numbers')
  })
})

/** By what they have said last of it. */
async function untilOneLeads(apps: readonly App[]) {
  const leads = (app: App) => app.output().split('leads now').length > app.output().split('does not lead').length
  await until(() => apps.filter(leads).length === 1 || undefined, 'one of them to lead')
}
