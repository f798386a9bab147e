// Replicas that are killed while all are busy: what is lost, and how soon others do what they did.
import { describe, expect, it, onTestFinished } from 'vitest'
import { StreamEventSchema } from '#shared/schemas/events'
import type { StreamEvent } from '#shared/schemas/events'
import { EXPORT_MESSAGES_HEADER } from '#shared/schemas/history'
import { startNginx } from '../../tools/programs/nginx'
import { connectDevice } from './support/broker'
import { message, startCluster, storedNumbers } from './support/cluster'
import { mosquitto, nginx, postgres } from './support/dependencies'
import { until } from './support/until'

const NUMBERS = 20_000
/** A replica of that place is killed and another one started, or the database restarted. */
const EVENTS = [0, 1, 'database', 2, 0] as const
const PHASE = NUMBERS / (EVENTS.length + 1)

describe.skipIf(!mosquitto || !postgres)('replicas', () => {
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
      await until(async () => (await storedNumbers(app).catch(() => [])).length >= NUMBERS || undefined, 'all numbers')
      expect(await storedNumbers(app)).toEqual(Array.from({ length: NUMBERS }, (_, n) => n))
    }
    // Not only different ones: the same sample twice would be one.
    const exported = await fetch(`${apps[1]?.url}/api/sensors/gate/export?from=0`)
    expect(exported.headers.get(EXPORT_MESSAGES_HEADER)).toBe(String(NUMBERS))
  }, 180_000)

  it.skipIf(!nginx)('give a viewer whose replica is killed the rest from another one, within 3 s and without a gap', async () => {
    const { broker, replica } = await startCluster()
    const apps = [await replica(), await replica(), await replica()]
    onTestFinished(({ task }) => { if (task.result?.state === 'fail') console.info(apps.map(app => app.output()).join('\n---\n')) })
    await Promise.all(apps.map(app => app.untilBroker('connected')))
    const balancer = await startNginx({ replicas: apps.map(({ port }) => port) })
    onTestFinished(balancer.stop)
    const device = await connectDevice(broker.url, { clientId: 'gate' })
    let next = 0
    const timer = setInterval(() => void device.publishAsync('sensors/gate/telemetry', message(next++), { qos: 1 }), 5)
    onTestFinished(() => clearInterval(timer))

    const viewers = Array.from({ length: 9 }, () => followGate(balancer.url))
    onTestFinished(() => viewers.forEach(viewer => viewer.stop()))
    for (const place of [0, 1, 2]) {
      const since = next
      await until(() => viewers.every(({ seen }) => (seen.at(-1) ?? 0) > since + 50) || undefined, 'all to see what comes')
      await apps[place]?.stop('SIGKILL')
      apps[place] = await replica(apps[place]?.port)
      await apps[place]?.untilBroker('connected')
    }
    clearInterval(timer)
    const missing = (seen: readonly number[]) => Array.from({ length: next - Number(seen[0]) }, (_, i) => i + Number(seen[0])).filter(n => !seen.includes(n))
    await until(() => viewers.every(({ seen }) => missing(seen).length === 0) || undefined, 'all to see everything').catch(() => {})
    for (const { seen, told, awayMs } of viewers) {
      // Replicas store what is theirs side by side: two messages may change places.
      expect(missing(seen)).toEqual([])
      expect(new Set(seen).size).toBe(seen.length)
      expect(Math.max(...awayMs)).toBeLessThan(3_000)
      // Never more than once from the beginning, and never less than every event.
      expect(told.slice(1)).toEqual(told.slice(1).map(() => 'resumed'))
    }
    expect(viewers.flatMap(({ awayMs }) => awayMs).length).toBeGreaterThanOrEqual(9)
  })

  it('take over what waits for one that is gone for good, and what only one of them does', async () => {
    const { broker, replica } = await startCluster()
    const device = await connectDevice(broker.url, { clientId: 'gate' })
    await device.publishAsync('sensors/gate/state', '{"status":"open","updated_at":"2026-11-03T12:40:00Z"}', { qos: 1, retain: true })
    const apps = [await replica()]
    await until(() => apps[0]?.output().includes('leads now'), 'the first to lead')
    apps.push(await replica(), await replica())
    await Promise.all(apps.map(app => app.untilBroker('connected')))
    onTestFinished(({ task }) => { if (task.result?.state === 'fail') console.info(apps.map(app => app.output()).join('\n---\n')) })
    // What was said before there was an application, and kept: no shared subscription brings it.
    for (const app of apps) await until(async () => (await app.health()).devices === 1 || undefined, 'the retained state')
    const [gone, ...left] = apps
    await gone?.stop('SIGKILL')
    for (let n = 0; n < 300; n++) await device.publishAsync('sensors/gate/telemetry', message(n), { qos: 1 })
    await until(() => left.some(app => app.output().includes('leads now')), 'another one to lead')
    // A third of them waits in the session of the one that is gone.
    for (const app of left) expect((await storedNumbers(app)).length).toBeLessThan(300)
    for (const app of left) {
      await until(async () => (await storedNumbers(app)).length === 300 || undefined, 'all of them')
      expect((await storedNumbers(app)).length).toBe(300)
    }
    await until(() => left.some(app => /Took over what waited for replica 1/.test(app.output())), 'the session to end')
    for (let n = 300; n < 360; n++) await device.publishAsync('sensors/gate/telemetry', message(n), { qos: 1 })
    for (const app of left) await until(async () => (await storedNumbers(app)).length === 360 || undefined, 'what came since, without waiting for another to be gone', 8_000)
  })
})

/** A viewer of the device `gate` that comes back as soon as it can, going on behind what it has seen. */
function followGate(url: string) {
  const seen: number[] = []
  const told: string[] = []
  const awayMs: number[] = []
  let lastId = ''
  let lostAt: number | undefined
  let socket: WebSocket | undefined
  let isOver = false

  function receive(event: StreamEvent) {
    if ('id' in event && event.id) lastId = event.id
    if (event.type === 'telemetry') seen.push(Number(event.data.metrics.n))
    if (event.type !== 'snapshot' && event.type !== 'resumed') return
    told.push(event.type)
    if (lostAt !== undefined) awayMs.push(performance.now() - lostAt)
    lostAt = undefined
  }

  function connect() {
    socket = new WebSocket(`${url.replace('http', 'ws')}/ws/events?after=${lastId}`)
    socket.addEventListener('message', ({ data }) => receive(StreamEventSchema.parse(JSON.parse(String(data)))))
    socket.addEventListener('close', () => {
      lostAt ??= performance.now()
      if (!isOver) setTimeout(connect, 50)
    })
  }
  connect()
  return {
    seen, told, awayMs,
    stop() {
      isOver = true
      socket?.close()
    },
  }
}
