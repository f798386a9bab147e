import { once } from 'node:events'
import { connect } from 'node:net'
import { DeviceStateSchema, DeviceStatesSchema, RecentMessagesSchema } from '#shared/schemas/device'
import { ErrorAnswerSchema } from '#shared/schemas/error'
import { RejectionReportSchema } from '#shared/schemas/rejection'
import { describe, expect, it } from 'vitest'
import { startApp } from './support/app'
import { connectDevice } from './support/broker'
import { connectStream } from './support/stream'
import type { Stream } from './support/stream'
import { until } from './support/until'

/** The built server with its embedded broker, and a device connected to it. */
async function startSite() {
  const app = await startApp()
  const { broker } = await app.untilBroker('connected')
  const device = await connectDevice(broker.url, { protocolVersion: 4 })
  const publish = (deviceId: string, message: unknown, kind = 'telemetry') =>
    device.publishAsync(`sensors/${deviceId}/${kind}`, JSON.stringify(message), { qos: 1 })
  return { app, device, publish }
}

describe('the event stream', () => {
  it('sends the snapshot first and then each message, as the seed describes them', async () => {
    const { app, publish } = await startSite()
    await publish('gate-001', { ts: '2025-11-02T12:00:00Z', metrics: { tempC: 21.3, humidity: 48.2, doorState: 'open' } })
    // The broker's word to the device may be quicker than its delivery to us.
    await until(async () => (await app.health()).messages.accepted === 1 || undefined, 'the message')

    const stream = await connectStream(app.url)
    const snapshot = await stream.next('snapshot')
    expect(stream.events[0]).toBe(snapshot)
    expect(snapshot.data).toMatchObject([{
      deviceId: 'gate-001',
      lastTelemetry: { deviceId: 'gate-001', ts: '2025-11-02T12:00:00Z', metrics: { tempC: 21.3, humidity: 48.2, doorState: 'open' } },
    }])

    await publish('gate-001', { metrics: { doorState: 'closed' } })
    const event = await stream.next('telemetry')
    expect(event.data).toMatchObject({ deviceId: 'gate-001', metrics: { doorState: 'closed' } })
    expect(event.data.ts).toBe(event.data.receivedAt)
  })

  it('keeps the order of each device, for every client alike', async () => {
    const { app, publish } = await startSite()
    const streams = await Promise.all([connectStream(app.url), connectStream(app.url)])
    await Promise.all(Array.from({ length: 500 }, (_, n) => publish(`gate-${n % 5}`, { metrics: { n } })))
    for (const stream of streams) {
      await stream.next('telemetry', ({ data }) => data.metrics.n === 499)
      for (let gate = 0; gate < 5; gate++) {
        const numbers = stream.events.flatMap(event => event.type === 'telemetry' && event.data.deviceId === `gate-${gate}` ? event.data.metrics.n : [])
        expect(numbers).toEqual(Array.from({ length: 100 }, (_, i) => gate + i * 5))
      }
    }
  })

  it('tells of a state as an added event', async () => {
    const { app, publish } = await startSite()
    const stream = await connectStream(app.url)
    await publish('tor-1', { status: 'open', updated_at: '2025-11-03T12:40:00Z' }, 'state')
    const event = await stream.next('state')
    expect(event.data).toMatchObject({ deviceId: 'tor-1', status: 'open', updatedAt: '2025-11-03T12:40:00Z' })
    expect(await app.get('/api/sensors/tor-1')).toMatchObject({ state: { status: 'open', updatedAt: '2025-11-03T12:40:00Z' } })
  })

  it('answers a ping, and refuses anything else without ending the stream', async () => {
    const { app } = await startSite()
    const stream = await connectStream(app.url)
    stream.send('{"type":"ping"}')
    await stream.next('pong')
    for (const frame of ['', 'hello', '{"type":"drop tables"}', '[]']) {
      stream.send(frame)
      expect((await stream.next('error')).data.code).toBe('request-invalid')
    }
    stream.send('{"type":"ping"}')
    await stream.next('pong')
  })

  it('ends a client that sends a frame over the limit, and nobody else', async () => {
    const { app, publish } = await startSite()
    const good = await connectStream(app.url)
    const bad = await connectStream(app.url)
    bad.send('x'.repeat(65_537))
    expect((await bad.closed).code).toBe(1009)
    await publish('tor-1', { metrics: { tempC: 1 } })
    await good.next('telemetry')
  })

  it('refuses upgrades on other paths', async () => {
    const { app } = await startSite()
    await expect(connectStream(app.url, '/')).rejects.toThrow('refused')
    await expect(connectStream(app.url, '/ws/other')).rejects.toThrow('refused')
    await expect(connectStream(app.url, '/api/sensors')).rejects.toThrow('refused')
  })

  it('turns clients away beyond the limit', async () => {
    const app = await startApp({ NUXT_LIMITS_STREAM_CLIENTS: '2' })
    await connectStream(app.url)
    const second = await connectStream(app.url)
    const third = await connectStream(app.url)
    expect(await third.closed).toMatchObject({ code: 1013 })
    second.close()
    await second.closed
    await (await connectStream(app.url)).next('snapshot')
  })

  it('says 1012 when the server goes away, and leaves in order', async () => {
    const { app } = await startSite()
    const stream = await connectStream(app.url)
    const [code, { code: closeCode }] = await Promise.all([app.stop(), stream.closed])
    expect(closeCode).toBe(1012)
    expect([0, 143]).toContain(code)
  })
})

describe('a client that asks for more', () => {
  const idOf = (stream: Stream) => stream.events.flatMap(event => 'id' in event && event.id ? [event.id] : []).at(-1)

  it('resumes where it was, and is told when that is not possible', async () => {
    const { app, publish } = await startSite()
    const first = await connectStream(app.url, '/ws/events?after=')
    await publish('tor-1', { metrics: { n: 1 } })
    await first.next('telemetry')
    first.close()
    await first.closed
    for (const n of [2, 3]) await publish('tor-1', { metrics: { n } })
    await until(async () => (await app.health()).messages.accepted === 3 || undefined, 'the messages')

    const second = await connectStream(app.url, `/ws/events?after=${idOf(first)}`)
    expect((await second.next('resumed')).data.missed).toBe(2)
    expect((await second.next('telemetry')).data.metrics.n).toBe(2)
    expect((await second.next('telemetry')).data.metrics.n).toBe(3)
    expect(await (await connectStream(app.url, '/ws/events?after=elsewhere.1')).next('snapshot')).toMatchObject({ reason: 'restarted', data: [{ deviceId: 'tor-1' }] })
  })

  it('gets batches, the latest, and only what it is interested in', async () => {
    const { app, publish } = await startSite()
    const batches = await connectStream(app.url, '/ws/events?batch=50')
    const latest = await connectStream(app.url, '/ws/events?mode=latest&rate=20')
    const chosen = await connectStream(app.url, '/ws/events?device=gate-1&device=gate-2')
    await Promise.all(Array.from({ length: 300 }, (_, n) => publish(`gate-${n % 3}`, { metrics: { n } })))
    await batches.next('batch', ({ data }) => data.some(({ metrics }) => metrics.n === 299))
    expect(batches.events.flatMap(event => event.type === 'batch' ? event.data.map(({ metrics }) => metrics.n) : [])).toEqual(Array.from({ length: 300 }, (_, n) => n))
    await latest.next('states', ({ data }) => data.some(({ values }) => values.n?.value === 299))
    expect(latest.events.filter(({ type }) => type === 'telemetry')).toEqual([])
    await chosen.next('telemetry', ({ data }) => data.metrics.n === 299)
    expect(chosen.events.some(event => event.type === 'telemetry' && event.data.deviceId === 'gate-0')).toBe(false)
    chosen.send(JSON.stringify({ type: 'subscribe', devices: ['gate-0'] }))
    expect(await chosen.next('states')).toMatchObject({ data: [{ deviceId: 'gate-0', values: { n: { value: 297 } } }] })
  })

  it('follows a group, and whoever joins it, without reconnecting', async () => {
    const { app, publish } = await startSite()
    const profile = (deviceId: string, group: string) => fetch(`${app.url}/api/devices/${deviceId}`, { method: 'PUT', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ group }) })
    const everything = await connectStream(app.url)
    await profile('tor-1', 'Gates')
    await publish('tor-1', { metrics: { n: 1 } })
    await publish('tor-2', { metrics: { n: 2 } })
    await everything.next('telemetry', ({ data }) => data.metrics.n === 2)
    const stream = await connectStream(app.url, '/ws/events?after=&group=Gates')
    expect(await stream.next('snapshot')).toMatchObject({ data: [{ deviceId: 'tor-1' }] })
    await publish('tor-2', { metrics: { n: 3 } })
    await everything.next('telemetry', ({ data }) => data.metrics.n === 3)
    await profile('tor-2', 'Gates')
    expect(await stream.next('states')).toMatchObject({ data: [{ deviceId: 'tor-2', values: { n: { value: 3 } } }] })
    await profile('tor-1', 'Barriers')
    await publish('tor-1', { metrics: { n: 4 } })
    await publish('tor-2', { metrics: { n: 5 } })
    expect(await stream.next('telemetry')).toMatchObject({ data: { deviceId: 'tor-2', metrics: { n: 5 } } })
    stream.send(JSON.stringify({ type: 'subscribe', groups: ['Barriers'] }))
    expect(await stream.next('subscribed')).toMatchObject({ data: { devices: 1, groups: 1 } })
    expect(await stream.next('states')).toMatchObject({ data: [{ deviceId: 'tor-1', values: { n: { value: 4 } } }] })
  })

  it('gets the same as server-sent events', async () => {
    const { app, publish } = await startSite()
    const response = await fetch(`${app.url}/api/events?after=`)
    expect(response.headers.get('content-type')).toContain('text/event-stream')
    const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader()
    let text = ''
    const read = (wanted: RegExp) => until(async () => wanted.exec(text) ?? void (text += (await reader?.read())?.value), String(wanted))
    await read(/^id: (\S+)\ndata: \{"type":"snapshot".*\n\n/)
    await publish('tor-1', { metrics: { n: 1 } })
    await read(/data: \{"type":"telemetry".*"n":1.*\n\n/)
    const [, id = ''] = await read(/id: (\S+)\ndata: \{"type":"presence".*"live".*\n\n/)
    await reader?.cancel()
    await publish('tor-1', { metrics: { n: 2 } })
    await until(async () => (await app.health()).streamClients === 0 || undefined, 'the server to notice')

    const again = await fetch(`${app.url}/api/events`, { headers: { 'last-event-id': id } })
    const resumed = again.body?.pipeThrough(new TextDecoderStream()).getReader()
    expect((await resumed?.read())?.value).toMatch(/"resumed".*"missed":1[^]*"n":2/)
    await resumed?.cancel()
  })

  it('is refused what makes no sense, with the reason', async () => {
    const { app } = await startSite()
    for (const query of ['mode=some', 'rate=0', 'batch=1', 'batch=soon', `after=${'x'.repeat(65)}`]) {
      await expect(connectStream(app.url, `/ws/events?${query}`), query).rejects.toThrow('refused')
      const answer = await fetch(`${app.url}/api/events?${query}`)
      expect(answer.status, query).toBe(400)
      expect(ErrorAnswerSchema.parse(await answer.json()).error.code).toBe('query-invalid')
    }
  })

  it('may name and say only so much', async () => {
    const app = await startApp({ NUXT_LIMITS_STREAM_DEVICES: '2', NUXT_LIMITS_STREAM_GROUPS: '1', NUXT_LIMITS_STREAM_REQUESTS_PER_SECOND: '20', NUXT_LIMITS_STREAM_CLIENTS_PER_ADDRESS: '2' })
    await expect(connectStream(app.url, '/ws/events?device=a&device=b&device=c')).rejects.toThrow('refused')
    const stream = await connectStream(app.url, '/ws/events?device=a&device=b')
    stream.send(JSON.stringify({ type: 'subscribe', devices: ['a', 'b', 'c'] }))
    expect((await stream.next('error')).data.message).toContain('At most 2')
    expect((await fetch(`${app.url}/api/events?group=a&group=b`)).status).toBe(400)
    stream.send(JSON.stringify({ type: 'subscribe', groups: ['a', 'b'] }))
    expect((await stream.next('error')).data.message).toContain('At most 1')
    stream.send(JSON.stringify({ type: 'subscribe', devices: null, groups: ['a'] }))
    expect((await stream.next('error')).data.message).toContain('understood')
    for (let n = 0; n < 30; n++) stream.send('{"type":"ping"}')
    expect(await stream.closed).toMatchObject({ code: 1008 })
    await connectStream(app.url)
    await connectStream(app.url)
    expect(await (await connectStream(app.url)).closed).toMatchObject({ code: 1013 })
  })

  it('that reads nothing is told what it missed, and costs the others nothing', async () => {
    const app = await startApp({ NUXT_LIMITS_STREAM_BUFFER_BYTES: '20000', NUXT_HISTORY: 'off' })
    const { broker } = await app.untilBroker('connected')
    const device = await connectDevice(broker.url, { protocolVersion: 4 })
    const good = await connectStream(app.url)
    const slow = await pausedStream(app.port)
    const filler = 'x'.repeat(1_000)
    const publish = (n: number) => device.publishAsync(`sensors/gate-${n % 5}/telemetry`, JSON.stringify({ metrics: { n, filler } }), { qos: 1 })
    for (let n = 0; n < 12_000; n += 100) await Promise.all(Array.from({ length: 100 }, (_, i) => publish(n + i)))
    await good.next('telemetry', ({ data }) => data.metrics.n === 11_999)
    expect(good.events.filter(({ type }) => type === 'telemetry')).toHaveLength(12_000)
    const text = await slow.readUntil(/"type":"coalesced"[^]*"n":11999/)
    expect(text).toMatch(/"type":"coalesced","data":\{"events":\d+,"devices":5\}/)
    slow.end()
  })
})

/** A plain client below any library, which reads nothing until it is asked to. */
async function pausedStream(port: number) {
  const socket = connect(port, '127.0.0.1')
  socket.write(`GET /ws/events HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${'A'.repeat(22)}==\r\n\r\n`)
  await once(socket, 'readable')
  socket.pause()
  return {
    end: () => socket.destroy(),
    async readUntil(wanted: RegExp) {
      let text = ''
      for await (const chunk of socket.setEncoding('utf8')) {
        text = (text + String(chunk)).slice(-100_000)
        if (wanted.test(text)) break
      }
      return text
    },
  }
}

describe('the API', () => {
  it('answers with the shapes of the contract', async () => {
    const { app, device, publish } = await startSite()
    const stream = await connectStream(app.url)
    await publish('tor-1', { metrics: { tempC: 1 } })
    await publish('tor-1', { metrics: { humidity: 50 } })
    await device.publishAsync('sensors/test', '{"hello":"world"}', { qos: 1 })
    await stream.next('telemetry', ({ data }) => data.metrics.humidity === 50)

    expect(DeviceStatesSchema.parse(await app.get('/api/sensors'))).toHaveLength(1)
    const one = DeviceStateSchema.parse(await app.get('/api/sensors/tor-1'))
    expect(one.lastTelemetry.metrics).toEqual({ humidity: 50 })
    expect(one.values).toMatchObject({ tempC: { value: 1 }, humidity: { value: 50 } })
    const { messages } = RecentMessagesSchema.parse(await app.get('/api/sensors/tor-1/messages'))
    expect(messages.map(({ metrics }) => metrics)).toEqual([{ humidity: 50 }, { tempC: 1 }])
    const report = RejectionReportSchema.parse(await app.get('/api/rejections'))
    expect(report).toMatchObject({ total: 1, byReason: { 'topic-unknown': 1 }, recent: [{ topic: 'sensors/test', excerpt: '{"hello":"world"}' }] })
    expect(await app.health()).toMatchObject({ status: 'ok', devices: 1, messages: { received: 3, accepted: 2, rejected: 1 } })
  })

  it('gives errors one shape, without insides', async () => {
    const { app } = await startSite()
    for (const [path, code] of [['/api/sensors/nobody', 'device-unknown'], ['/api/sensors/%zz', 'device-unknown'], ['/api/none', 'not-found'], ['/api/', 'not-found']]) {
      const response = await fetch(app.url + path)
      expect(response.status, path).toBe(404)
      const text = await response.text()
      expect(ErrorAnswerSchema.parse(JSON.parse(text)).error.code).toBe(code)
      expect(text).not.toMatch(/stack|node_modules|\.mjs/)
    }
  })

  it('answers HEAD like GET, and says which methods there are', async () => {
    const { app } = await startSite()
    const head = await fetch(`${app.url}/api/sensors`, { method: 'HEAD' })
    expect([head.status, await head.text()]).toEqual([200, ''])
    const post = await fetch(`${app.url}/api/sensors`, { method: 'POST', body: '{}' })
    expect([post.status, post.headers.get('allow')]).toEqual([405, 'GET, HEAD'])
    expect(ErrorAnswerSchema.parse(await post.json()).error.code).toBe('method-not-allowed')
  })

  it('finds devices whatever their names', async () => {
    const { app, publish } = await startSite()
    const stream = await connectStream(app.url)
    const names = ['Tür Süd', 'a.b.c', '100%', 'a%2Fb', '%zz', '🚪', '<script>alert(1)', '"quoted"', '?a=b&c', 'back\\slash', '...', ' lead', 'x.json']
    for (const name of names) {
      await publish(name, { metrics: { tempC: 1 } })
      await stream.next('telemetry', ({ data }) => data.deviceId === name)
      expect(await app.get(`/api/sensors/${encodeURIComponent(name)}`), name).toMatchObject({ deviceId: name })
    }
  })

  it('listens on this machine only unless told otherwise', async () => {
    const { app } = await startSite()
    expect(app.url).toMatch(/^http:\/\/127\.0\.0\.1:/)
    const open = await startApp({ HOST: '0.0.0.0' })
    expect(open.output()).toContain('http://0.0.0.0:')
  })

  it('stops the start with a sentence that names a wrong variable', async () => {
    for (const [name, value] of Object.entries({ NUXT_MQTT_URL: 'not an address', NUXT_LIMITS_DEVICES: 'many', NUXT_MQTT_CA_FILE: '/nowhere' })) {
      await expect(startApp({ [name]: value })).rejects.toThrow(new RegExp(`settings are not usable: ${name} `))
    }
  })
})

it('starts beside another broker: takes the next free port and says so', async () => {
  const first = await startApp({ NUXT_MQTT_EMBEDDED_PORT: '18830' })
  const second = await startApp({ NUXT_MQTT_EMBEDDED_PORT: '18830' })
  const urls = [(await first.untilBroker('connected')).broker.url, (await second.untilBroker('connected')).broker.url]
  expect(new Set(urls).size).toBe(2)
  expect(second.output()).toContain(`started an embedded broker on ${urls[1]}`)
  expect(second.output().match(/embedded broker/g)).toHaveLength(1)
})
