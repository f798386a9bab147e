import { describe, expect, it } from 'vitest'
import { startApp } from './support/app'
import type { Env } from './support/app'
import { connectDevice, startMosquitto } from './support/broker'
import { fieldsOf, startCollector } from './support/collector'
import type { Collector } from './support/collector'
import { mosquitto } from './support/dependencies'
import { connectStream } from './support/stream'
import { until } from './support/until'
import { freePort } from '../../tools/programs/free-port'

const TRACE = '0af7651916cd43dd8448eb211c80319c'
const PARENT = 'b7ad6b7169203331'
const TRACEPARENT = `00-${TRACE}-${PARENT}-01`
const SERVER = 2
const CONSUMER = 5
const ERROR = 2

/** As the documentation of most collectors has it; in JSON, and soon. */
function tracedBy({ url }: Pick<Collector, 'url'>, env: Env = {}): Env {
  return { OTEL_EXPORTER_OTLP_ENDPOINT: url, OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json', OTEL_BSP_SCHEDULE_DELAY: '20', ...env }
}

const hoursBefore = (hours: number) => new Date(Date.now() - hours * 3_600_000).toISOString()

describe('a request', () => {
  it('goes on with the trace of whoever asks, is called by its route, and has its questions about the past below it', async () => {
    const collector = await startCollector()
    const app = await startApp(tracedBy(collector, {
      OTEL_SERVICE_NAME: 'control-room', OTEL_RESOURCE_ATTRIBUTES: 'deployment.environment.name=plant%201,service.name=not-this', OTEL_EXPORTER_OTLP_HEADERS: 'x-tenant=north',
    }))
    const { broker } = await app.untilBroker('connected')
    const device = await connectDevice(broker.url, { protocolVersion: 4 })
    await device.publishAsync('sensors/secret-gate/telemetry', '{"metrics":{"tempC":21}}', { qos: 1 })
    const address = `${app.url}/api/sensors/secret-gate/history?metric=tempC&from=${hoursBefore(1)}`
    await until(async () => (await fetch(address)).ok || undefined, 'the device')
    await fetch(address, { headers: { traceparent: TRACEPARENT } })

    const span = await collector.next('GET /api/sensors/{deviceId}/history', ({ traceId }) => traceId === TRACE)
    expect(span).toMatchObject({ kind: SERVER, parentSpanId: PARENT, status: { code: 0 } })
    expect(span.attributes).toEqual({ 'http.request.method': 'GET', 'http.route': '/api/sensors/{deviceId}/history', 'url.scheme': 'http', 'http.response.status_code': 200 })
    const question = await collector.next('history thinned', ({ traceId }) => traceId === TRACE)
    expect(question.parentSpanId).toBe(span.spanId)
    expect(question.attributes).toEqual({ 'db.system.name': 'sqlite', 'db.operation.name': 'thinned' })
    expect(collector.resources()[0]).toMatchObject({ 'service.name': 'control-room', 'deployment.environment.name': 'plant 1', 'telemetry.sdk.language': 'nodejs' })
    expect(collector.exports[0]).toMatchObject({ path: '/v1/traces', headers: { 'x-tenant': 'north' } })

    await Promise.all(['/api/nothing/secret-gate', '/devices/secret-gate', '/api/sensors/secret-none?token=secret-key'].map(path => fetch(app.url + path, { headers: { traceparent: 'nonsense' } })))
    const unknown = await collector.next('GET', ({ attributes }) => attributes['http.response.status_code'] === 404)
    expect([unknown.parentSpanId ?? '', unknown.status.code]).toEqual(['', 0])
    await Promise.all([collector.next('GET /devices/{deviceId}'), collector.next('GET /api/sensors/{deviceId}', ({ attributes }) => attributes['http.response.status_code'] === 404)])
    expect(collector.exports.map(({ body }) => body.toString()).join()).not.toMatch(/secret/)
  })

  it('that fails is an error, without what the machine looks like', async () => {
    const collector = await startCollector()
    const app = await startApp(tracedBy(collector, { NUXT_DATA_DIR: '/dev/null/nowhere' }))
    expect((await fetch(`${app.url}/api/storage`)).status).toBe(503)
    const span = await collector.next('GET /api/storage')
    expect(span).toMatchObject({ status: { code: ERROR }, attributes: { 'http.response.status_code': 503, 'error.type': '503' } })
    expect(span.events ?? []).toEqual([])
    expect(collector.exports.map(({ body }) => body.toString()).join()).not.toMatch(/nowhere|\.mjs|node_modules/)
  })

  it('is exported as protobuf unless JSON is asked for', async () => {
    const collector = await startCollector()
    const app = await startApp({ OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: `${collector.url}/somewhere/v1/traces`, OTEL_BSP_SCHEDULE_DELAY: '20' })
    await until(async () => (await fetch(`${app.url}/api/site`)).ok || undefined, 'the site')
    const { headers, path, body } = await until(() => collector.exports[0], 'an export')
    expect([headers['content-type'], path]).toEqual(['application/x-protobuf', '/somewhere/v1/traces'])
    // resource_spans, scope_spans, spans, name.
    const names = [2, 2, 5].reduce((messages, field) => messages.flatMap(message => fieldsOf(message).get(field) ?? []), fieldsOf(body).get(1) ?? []).map(String)
    expect(names).toContain('GET /api/site')
  })
})

describe.skipIf(!mosquitto)('what the broker brings', () => {
  it('is a span for each commit, linked with the traces that messages name', async () => {
    const collector = await startCollector()
    const broker = await startMosquitto()
    const app = await startApp(tracedBy(collector, { NUXT_MQTT_URL: broker.url }))
    await app.untilBroker('connected')
    const device = await connectDevice(broker.url)
    const userProperties = { plant: 'north', traceparent: TRACEPARENT }
    const messages = ['{"metrics":{"tempC":21}}', '{"metrics":{"tempC":22}}', 'hello']
    await Promise.all(messages.map(message => device.publishAsync('sensors/gate/telemetry', message, { qos: 1, properties: { userProperties, contentType: 'application/json', messageExpiryInterval: 60 } })))
    await until(async () => (await app.health()).messages.received === messages.length || undefined, 'the messages')
    const linked = await until(() => {
      const spans = collector.spans().filter(({ name }) => name === 'mqtt commit')
      const sum = (name: string) => spans.reduce((sum, { attributes }) => sum + Number(attributes[name]), 0)
      return sum('messaging.batch.message_count') === messages.length && sum('leitstand.commit.acknowledged_count') === messages.length ? spans : undefined
    }, 'the commits of all messages')
    expect(linked.flatMap(({ links }) => links ?? [])).toMatchObject(messages.map(() => ({ traceId: TRACE, spanId: PARENT })))
    for (const { kind, attributes, status, startTimeUnixNano, endTimeUnixNano } of linked) {
      expect([kind, attributes['messaging.system'], attributes['leitstand.commit.durability'], status.code]).toEqual([CONSUMER, 'mqtt', 'full', 0])
      expect(endTimeUnixNano).toBeGreaterThan(startTimeUnixNano)
    }
    expect(collector.exports.map(({ body }) => body.toString()).join()).not.toMatch(/gate/)
  })
})

describe('a stream', () => {
  it('is a span for its opening, and a moment for its end', async () => {
    const collector = await startCollector()
    const app = await startApp(tracedBy(collector))
    await app.untilBroker('connected')
    const stream = await connectStream(app.url, '/ws/events', { traceparent: TRACEPARENT })
    await stream.next('snapshot')
    const opening = await collector.next('GET /ws/events')
    expect(opening).toMatchObject({ traceId: TRACE, parentSpanId: PARENT, attributes: { 'http.response.status_code': 101, 'http.route': '/ws/events' } })
    expect(collector.spans().map(({ name }) => name)).not.toContain('stream end')
    stream.close()
    expect(await collector.next('stream end')).toMatchObject({ traceId: TRACE, parentSpanId: opening.spanId, attributes: { 'leitstand.stream.transport': 'websocket', 'leitstand.stream.close_code': 1005 } })
    await expect(connectStream(app.url, '/ws/events?devices=%20&at=nonsense')).rejects.toThrow('refused')
    await collector.next('GET /ws/events', ({ attributes }) => attributes['http.response.status_code'] === 400)

    const leave = new AbortController()
    const answer = await fetch(`${app.url}/api/events`, { signal: leave.signal })
    const open = await collector.next('GET /api/events')
    expect([answer.status, open.attributes['http.response.status_code']]).toEqual([200, 200])
    leave.abort()
    await collector.next('stream end', ({ attributes, parentSpanId }) => attributes['leitstand.stream.transport'] === 'sse' && parentSpanId === open.spanId)
  })
})

describe('the variables', () => {
  it('leave everything out that is not sampled', async () => {
    const collector = await startCollector()
    const app = await startApp(tracedBy(collector, { OTEL_TRACES_SAMPLER: 'parentbased_always_off' }))
    await app.untilBroker('connected')
    await fetch(`${app.url}/api/sensors`)
    // The caller's decision holds; and what comes first is exported first.
    await fetch(`${app.url}/api/site`, { headers: { traceparent: TRACEPARENT } })
    await collector.next('GET /api/site')
    expect(await app.stop()).toBe(0)
    expect(collector.spans().map(({ name }) => name)).toEqual(['GET /api/site'])
  })

  it.each([
    ['OTEL_EXPORTER_OTLP_PROTOCOL', 'grpc', 'No traces are exported: OTEL_EXPORTER_OTLP_PROTOCOL=grpc is not supported: set http/protobuf or http/json'],
    ['OTEL_SDK_DISABLED', 'true', ''],
    ['OTEL_TRACES_EXPORTER', 'none', ''],
  ])('switch it off: %s=%s', async (name, value, line) => {
    const collector = await startCollector()
    const app = await startApp(tracedBy(collector, { [name]: value }))
    await app.untilBroker('connected')
    await fetch(`${app.url}/api/sensors`)
    expect(await app.stop()).toBe(0)
    expect(app.output()).toContain(line)
    expect(app.output()).not.toContain('Traces are exported')
    expect(collector.exports).toEqual([])
  })
})

describe('a collector that is away', () => {
  it('costs one line and a bounded queue; what comes when it is back is exported', async () => {
    const port = await freePort()
    const url = `http://127.0.0.1:${port}`
    const app = await startApp(tracedBy({ url }, { OTEL_EXPORTER_OTLP_TIMEOUT: '100', OTEL_BSP_MAX_QUEUE_SIZE: '50' }))
    await app.untilBroker('connected')
    await until(async () => {
      await Promise.all(Array.from({ length: 100 }, () => fetch(`${app.url}/api/site`)))
      return app.output().includes('Traces cannot be exported') || undefined
    }, 'the warning')
    for (let i = 0; i < 10; i++) await Promise.all(Array.from({ length: 100 }, () => fetch(`${app.url}/api/site`)))
    expect(app.output().match(/Traces cannot be exported to 127\.0\.0\.1:\d+ \(ECONNREFUSED\)/g)).toHaveLength(1)

    const collector = await startCollector(port)
    await until(async () => {
      await fetch(`${app.url}/api/places`)
      return collector.spans().some(({ name }) => name === 'GET /api/places') || undefined
    }, 'a span of now')
    await until(() => app.output().includes(`Traces are exported to 127.0.0.1:${port} again.`), 'the line that says so')
    // Of more than a thousand: what has waited, and what was just on its way.
    expect(collector.spans().filter(({ name }) => name === 'GET /api/site').length).toBeLessThanOrEqual(100)
  })

  it('does not keep the application from its end', async () => {
    const app = await startApp(tracedBy({ url: `http://127.0.0.1:${await freePort()}` }, { OTEL_BSP_SCHEDULE_DELAY: '60000' }))
    await app.untilBroker('connected')
    await fetch(`${app.url}/api/site`)
    const stopping = performance.now()
    expect(await app.stop()).toBe(0)
    // The exporter itself would try for ten.
    expect(performance.now() - stopping).toBeLessThan(8_000)
  })

  it('has what waits when the application ends', async () => {
    const collector = await startCollector()
    const app = await startApp(tracedBy(collector, { OTEL_BSP_SCHEDULE_DELAY: '60000' }))
    await app.untilBroker('connected')
    await fetch(`${app.url}/api/site`)
    expect(collector.exports).toEqual([])
    expect(await app.stop()).toBe(0)
    expect(collector.spans().map(({ name }) => name)).toContain('GET /api/site')
  })
})
