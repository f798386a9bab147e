import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { z } from 'zod'
import { MadeTokenSchema } from '#shared/schemas/access'
import { ErrorAnswerSchema } from '#shared/schemas/error'
import { freePort } from '../../tools/programs/free-port'
import { ALERTS, monitoringFolder, namedMetrics, runPromtool } from '../unit/deploy/monitoring/support'
import { launchApp, startApp } from './support/app'
import type { App } from './support/app'
import { caller } from './support/askers'
import { connectDevice, startMosquitto } from './support/broker'
import { mosquitto, prometheus, promtool } from './support/dependencies'
import { connectStream } from './support/stream'
import { until } from './support/until'

/** What `/metrics` says: names of metrics, and values of samples as they are written, `name{label="value"}`. */
async function scrape(app: App, headers: Record<string, string> = {}) {
  const response = await fetch(`${app.url}/metrics`, { headers })
  expect(response.status).toBe(200)
  const text = await response.text()
  const lines = text.split('\n')
  const names = new Set(lines.flatMap(line => /^# TYPE (\S+)/.exec(line)?.[1] ?? []))
  const values = new Map(lines.filter(line => line && !line.startsWith('#')).map((line) => {
    const end = line.lastIndexOf(' ')
    return [line.slice(0, end), Number(line.slice(end + 1))]
  }))
  return { response, text, names, values, sample: (name: string) => values.get(name) }
}

/** Scrapes until a sample has this value. */
function untilSample(app: App, name: string, value: number) {
  return until(async () => {
    const answer = await scrape(app)
    return answer.sample(name) === value ? answer : undefined
  }, `${name} to be ${value}`)
}

describe('/metrics', () => {
  let app: App
  beforeAll(async () => {
    app = await launchApp()
    await app.untilBroker('connected')
  })
  afterAll(() => app.stop())

  it('is in the text format of Prometheus, and nobody keeps it', async () => {
    const { response, text } = await scrape(app)
    expect(response.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8')
    expect(response.headers.get('cache-control')).toBe('no-store')
    expect(text.endsWith('\n')).toBe(true)
    const head = await fetch(`${app.url}/metrics`, { method: 'HEAD' })
    expect([head.status, await head.text()]).toEqual([200, ''])
  })

  it.skipIf(!promtool)('has nothing to be complained of by promtool', async () => {
    const { text } = await scrape(app)
    expect(runPromtool(['check', 'metrics'], { input: text })).toBe('')
  })

  it('has everything that the alerts and the dashboard name', async () => {
    const { names } = await scrape(app)
    const named = namedMetrics()
    expect(named.length).toBeGreaterThan(40)
    expect(named.filter(name => !names.has(name))).toEqual([])
  })

  it('shows everything of its own somewhere: in an alert or on the dashboard', async () => {
    const { names } = await scrape(app)
    const named = namedMetrics()
    expect([...names].filter(name => name.startsWith('leitstand_') && !named.includes(name))).toEqual([])
  })

  it('is no page: what else is asked of it is answered in JSON', async () => {
    const posted = await fetch(`${app.url}/metrics`, { method: 'POST', headers: { accept: 'text/html' } })
    expect([posted.status, posted.headers.get('allow')]).toEqual([405, 'GET, HEAD'])
    expect(ErrorAnswerSchema.parse(await posted.json()).error.code).toBe('method-not-allowed')
  })

  it('does not grow with the devices', async () => {
    const broker = (await app.health()).broker.url
    const device = await connectDevice(broker, { protocolVersion: 4 })
    const publish = (n: number) => device.publishAsync(`sensors/d-${n}/telemetry`, '{"metrics":{"tempC":21}}', { qos: 1 })
    await publish(0)
    const before = await untilSample(app, 'leitstand_devices{presence="live"}', 1)
    for (let n = 0; n < 10_000; n += 500) await Promise.all(Array.from({ length: 500 }, (_, i) => publish(n + i)))
    const after = await untilSample(app, 'leitstand_messages_accepted_total', 10_001)
    expect([...after.values.entries()].filter(([name]) => name.startsWith('leitstand_devices{')).reduce((sum, [, count]) => sum + count, 0)).toBe(10_000)
    // What comes later, such as the first pass of the garbage collector, has nothing to do with them.
    const ours = (names: Iterable<string>) => [...names].filter(name => name.startsWith('leitstand_') && !name.startsWith('leitstand_store_')).toSorted()
    expect(ours(after.values.keys())).toEqual(ours(before.values.keys()))
    expect(after.text).not.toContain('d-1')
    expect(after.text.length).toBeLessThan(30_000)
  })
})

describe.skipIf(!mosquitto)('what becomes of messages, streams and the connection', () => {
  it('is counted', async () => {
    const broker = await startMosquitto()
    const app = await startApp({ NUXT_MQTT_URL: broker.url })
    await app.untilBroker('connected')
    const first = await scrape(app)
    expect(['leitstand_broker_connects_total', 'leitstand_broker_session_resumed', 'leitstand_broker_status{code="connected"}'].map(first.sample)).toEqual([1, 0, 1])
    expect(first.sample('leitstand_broker_status_since_timestamp_seconds')).toBeGreaterThan(Date.now() / 1_000 - 60)
    const device = await connectDevice(broker.url)
    const stream = await connectStream(app.url)
    await stream.next('broker')
    await device.publishAsync('sensors/gate/telemetry', '{"metrics":{"tempC":21}}', { qos: 1 })
    await device.publishAsync('sensors/gate/telemetry', 'hello', { qos: 1 })
    await stream.next('telemetry')
    const { sample } = await untilSample(app, 'leitstand_messages_received_total', 2)
    expect(['leitstand_messages_accepted_total', 'leitstand_messages_rejected_total{reason="not-json"}', 'leitstand_messages_rejected_total{reason="ts-invalid"}', 'leitstand_devices{presence="live"}', 'leitstand_stream_clients{kind="live"}'].map(sample)).toEqual([1, 1, 0, 1, 1])
    expect(sample('leitstand_stream_events_delivered_total')).toBeGreaterThanOrEqual(1)
    expect(sample('leitstand_store_file_bytes{file="database"}')).toBeGreaterThan(0)
    await untilSample(app, 'leitstand_store_unkept_messages', 0)
    expect((await scrape(app)).sample('leitstand_store_commits_total')).toBeGreaterThan(0)

    await broker.stop()
    await untilSample(app, 'leitstand_broker_connected', 0)
    expect((await scrape(app)).sample('leitstand_broker_status{code="connected"}')).toBe(0)
    await broker.start()
    const back = await untilSample(app, 'leitstand_broker_connected', 1)
    expect(['leitstand_broker_connects_total', 'leitstand_broker_session_resumed'].map(back.sample)).toEqual([2, 1])
    expect(back.sample('leitstand_broker_attempts_total')).toBeGreaterThanOrEqual(2)
  })
})

describe('without a store', () => {
  it('says that it has failed, and everything else', async () => {
    const app = await startApp({ NUXT_DATA_DIR: '/dev/null/nowhere' })
    const { sample, values } = await untilSample(app, 'leitstand_store_fault', 1)
    expect(sample('leitstand_store_enabled')).toBe(1)
    expect(sample('leitstand_broker_connected')).toBe(0)
    expect([...values.keys()].filter(name => /^leitstand_store_(?:used|file|disk|unpacked)/.test(name))).toEqual([])
    expect(sample('leitstand_messages_received_total')).toBe(0)
  })

  it('says that none is wanted', async () => {
    const { sample } = await scrape(await startApp({ NUXT_HISTORY: 'off' }))
    expect(['leitstand_store_enabled', 'leitstand_store_fault'].map(sample)).toEqual([0, 0])
  })
})

/** A server with an account; `tokenFor` makes a viewer's token, limited to groups. */
async function startGuarded() {
  const app = await startApp()
  const call = caller(app.url)
  const first = await call('POST', '/api/first-account', {}, { name: 'admin', password: 'correct horse battery' })
  const admin = { cookie: first.headers.get('set-cookie')?.split(';')[0] ?? '' }
  async function tokenFor(groups: string[]) {
    const made = await call('POST', '/api/tokens', admin, { name: 'Prometheus', role: 'viewer', days: 30, groups })
    return MadeTokenSchema.parse(await made.json()).token
  }
  return { app, call, tokenFor }
}

const VectorSchema = z.object({ data: z.object({ result: z.array(z.object({ value: z.tuple([z.number(), z.string()]) })) }) })
const RulesSchema = z.object({ data: z.object({ groups: z.array(z.object({ rules: z.array(z.object({ name: z.string(), health: z.string() })) })) }) })

/** A Prometheus of its own with the files of `deploy/monitoring/`, which differ only in the address, the token and how often. */
async function startPrometheus(app: App, token: string): Promise<(path: string) => Promise<unknown>> {
  if (!prometheus) throw new Error('There is no Prometheus on this machine.')
  const folder = monitoringFolder()
  const config = readFileSync(join(folder, 'prometheus.yml'), 'utf8')
  writeFileSync(join(folder, 'prometheus.yml'), config.replace('leitstand:3000', new URL(app.url).host).replaceAll('_interval: 15s', '_interval: 1s'))
  writeFileSync(join(folder, 'leitstand.token'), token)
  const address = `127.0.0.1:${await freePort()}`
  const child = spawn(prometheus, [`--config.file=${join(folder, 'prometheus.yml')}`, `--storage.tsdb.path=${join(folder, 'data')}`, `--web.listen-address=${address}`], { stdio: 'ignore' })
  const ended = once(child, 'exit')
  onTestFinished(async () => {
    child.kill()
    await ended
  })
  return async (path) => {
    // Until it is ready it does not listen, or answers 503 in plain words.
    const answer = await fetch(`http://${address}/api/v1/${path}`).catch(() => undefined)
    // Past the watch over leaks: it names its own files.
    return answer?.ok ? JSON.parse(Buffer.from(await answer.arrayBuffer()).toString()) : undefined
  }
}

describe('who may collect', () => {
  it.skipIf(!prometheus)('is Prometheus, with the files as they are, and finds every alert well', async () => {
    const { app, tokenFor } = await startGuarded()
    const ask = await startPrometheus(app, await tokenFor([]))
    const value = async (query: string) => VectorSchema.safeParse(await ask(`query?query=${encodeURIComponent(query)}`)).data?.data.result[0]?.value[1]
    await until(async () => await value('up{job="leitstand"}') === '1' || undefined, 'Prometheus to collect')
    await until(async () => await value('leitstand_broker_connected') === '1' || undefined, 'the broker to be seen')
    const rules = await until(async () => {
      const found = RulesSchema.safeParse(await ask('rules')).data?.data.groups.flatMap(group => group.rules) ?? []
      return found.length > 0 && found.every(({ health }) => health !== 'unknown') ? found : undefined
    }, 'the alerts to be looked at')
    expect(rules.map(({ name, health }) => `${name} ${health}`).toSorted()).toEqual(ALERTS.map(({ alert }) => `${alert} ok`).toSorted())
  })

  it('is whoever has a token of a viewer who may see everything, however the address is written', async () => {
    const { app, call, tokenFor } = await startGuarded()
    const headersFor = async (groups: string[]) => ({ authorization: `Bearer ${await tokenFor(groups)}` })
    const [collector, limited] = [await headersFor([]), await headersFor(['Halle 1'])]
    const spellings = ['/metrics', '/metrics/', '/metrics//', '/%6detrics', '/metrics%2f', '//metrics', '/metrics?x=1', '/Metrics']
    for (const path of spellings) {
      for (const headers of [{}, limited]) expect(await (await call('GET', path, headers)).text(), path).not.toContain('leitstand_messages')
    }
    expect((await scrape(app, collector)).sample('leitstand_logins_failed_total{reason="wrong"}')).toBe(0)
    const refused = await Promise.all([{}, limited].map(headers => call('GET', '/metrics', headers)))
    expect(refused.map(({ status }) => status)).toEqual([401, 403])
    expect(await Promise.all(refused.map(async answer => ErrorAnswerSchema.parse(await answer.json()).error.code))).toEqual(['login-required', 'groups-limited'])
    await call('POST', '/api/session', {}, { name: 'admin', password: 'wrong horse battery' })
    expect((await scrape(app, collector)).sample('leitstand_logins_failed_total{reason="wrong"}')).toBe(1)
  })
})
