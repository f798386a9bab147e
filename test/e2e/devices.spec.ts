import { brotliDecompressSync, gunzipSync } from 'node:zlib'
import { get } from 'node:http'
import type { IncomingHttpHeaders } from 'node:http'
import { buffer } from 'node:stream/consumers'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import mqtt from 'mqtt'
import type { MqttClient } from 'mqtt'
import { DeviceListSchema, DeviceStatesSchema } from '#shared/schemas/device'
import { ErrorAnswerSchema } from '#shared/schemas/error'
import { launchApp } from './support/app'
import type { App } from './support/app'
import { connectStream } from './support/stream'
import { until } from './support/until'

const DEVICES = 300

/** One request as it goes over the wire: nothing is added to its headers, nothing decompressed. */
function request(url: string, headers: IncomingHttpHeaders = {}, method = 'GET') {
  return new Promise<{ status: number | undefined, headers: IncomingHttpHeaders, body: Buffer }>((resolve, reject) => {
    const sent = get(url, { headers, method }, response => buffer(response).then(body =>
      resolve({ status: response.statusCode, headers: response.headers, body }), reject))
    sent.once('error', reject)
  })
}

describe('GET /api/sensors', () => {
  let app: App
  let device: MqttClient
  const ask = (query = '', headers: IncomingHttpHeaders = {}, method = 'GET') => request(`${app.url}/api/sensors${query}`, headers, method)
  const namesOf = (body: Buffer) => DeviceListSchema.parse(JSON.parse(body.toString())).map(({ deviceId }) => deviceId)
  const publish = (deviceId: string, metrics: object) => device.publishAsync(`sensors/${deviceId}/telemetry`, JSON.stringify({ metrics }), { qos: 1 })

  beforeAll(async () => {
    app = await launchApp()
    const { broker } = await app.untilBroker('connected')
    // Nobody is late during the tests: that would be another answer.
    expect((await fetch(`${app.url}/api/site`, { method: 'PUT', body: '{"intervalSeconds":86400}' })).status).toBe(200)
    device = await mqtt.connectAsync(broker.url, { protocolVersion: 4 })
    await Promise.all(Array.from({ length: DEVICES }, (_, n) => publish(`d-${n}`, { tempC: n, doorState: n % 2 ? 'open' : 'closed' })))
    await publish('Tür?', { note: 'Is it öpen?' })
    await until(async () => (await app.health()).devices === DEVICES + 1 || undefined, 'the devices')
  })
  afterAll(async () => {
    await device.endAsync()
    await app.stop()
  })

  /** Something changes, and is seen. */
  async function change() {
    const stream = await connectStream(app.url)
    const value = Math.random()
    await publish('d-0', { tempC: value })
    await stream.next('telemetry', ({ data }) => data.metrics.tempC === value)
    return value
  }

  it('is what the stream greets with, and what each device is alone', async () => {
    const devices = DeviceStatesSchema.parse(await app.get('/api/sensors'))
    const snapshot = await (await connectStream(app.url)).next('snapshot')
    expect(snapshot.data).toEqual(devices)
    expect(await app.get('/api/sensors/d-7')).toEqual(devices.find(({ deviceId }) => deviceId === 'd-7'))
  })

  it('is not sent again while nothing has changed', async () => {
    for (const query of ['', '?limit=2', '?fields=clock']) {
      const { status, headers: { etag = '', ...headers } } = await ask(query)
      expect({ status, ...headers }).toMatchObject({ 'status': 200, 'content-type': 'application/json', 'cache-control': 'no-cache', 'vary': 'Accept-Encoding' })
      const again = await ask(query, { 'if-none-match': `"other", ${etag}`, 'accept-encoding': 'br' })
      expect({ status: again.status, body: again.body.length, ...again.headers }).toMatchObject({ 'status': 304, 'body': 0, etag, 'cache-control': 'no-cache', 'vary': 'Accept-Encoding' })
      expect(again.headers).not.toHaveProperty('content-length')

      const value = await change()
      const changed = await ask(query, { 'if-none-match': etag })
      expect(changed.status).toBe(200)
      expect(changed.headers.etag).not.toBe(etag)
      if (query === '') expect(changed.body.toString()).toContain(String(value))
    }
  })

  it('has another tag for another question and another start', async () => {
    const tags = await Promise.all(['', '?limit=1', '?limit=2', '?q=d'].map(async query => (await ask(query)).headers.etag))
    expect(new Set(tags).size).toBe(tags.length)
    const other = await launchApp()
    const { etag } = (await request(`${other.url}/api/sensors`)).headers
    await other.stop()
    expect(etag?.split('-')[0]).not.toBe(tags[0]?.split('-')[0])
  })

  it('is compressed for whom takes that', async () => {
    const decompress = { br: brotliDecompressSync, gzip: gunzipSync }
    for (const query of ['', '?limit=100', '?fields=values']) {
      const plain = await ask(query)
      expect(plain.headers).not.toHaveProperty('content-encoding')
      expect(plain.headers['content-length']).toBe(String(plain.body.length))
      for (const [accepted, encoding] of [['gzip, deflate, br', 'br'], ['gzip', 'gzip']] as const) {
        const { headers, body } = await ask(query, { 'accept-encoding': accepted })
        expect(headers).toMatchObject({ 'content-encoding': encoding, 'vary': 'Accept-Encoding', 'etag': plain.headers.etag })
        expect(headers['content-length']).toBe(String(body.length))
        expect(body.length).toBeLessThan(plain.body.length / 3)
        expect(decompress[encoding](body)).toEqual(plain.body)
      }
    }
  })

  it('is not compressed when it is small, or when nobody asks', async () => {
    for (const [query, accepted] of [['?limit=1', 'br, gzip'], ['?q=nothing', 'gzip'], ['', 'identity'], ['', 'gzip;q=0, br;q=0'], ['', 'deflate']]) {
      const { headers } = await ask(query, { 'accept-encoding': accepted })
      expect(headers, `${query} ${accepted}`).not.toHaveProperty('content-encoding')
      expect(headers.vary).toBe('Accept-Encoding')
    }
  })

  it('is right for everybody while it changes', async () => {
    for (let round = 0; round < 5; round++) {
      const value = await change()
      const answers = await Promise.all(['identity', 'br', 'gzip', 'br'].map(accepted => ask('', { 'accept-encoding': accepted })))
      for (const { headers, body } of answers) {
        const text = headers['content-encoding'] === 'br' ? brotliDecompressSync(body) : headers['content-encoding'] === 'gzip' ? gunzipSync(body) : body
        expect(DeviceStatesSchema.parse(JSON.parse(text.toString())).find(({ deviceId }) => deviceId === 'd-0')?.values.tempC?.value).toBe(value)
      }
    }
  })

  it('comes page by page along the Link header', async () => {
    const names: string[] = []
    let address: string | undefined = '/api/sensors?limit=70&q=d&fields=state'
    let pages = 0
    while (address) {
      const { status, headers, body } = await request(app.url + address)
      expect(status).toBe(200)
      names.push(...namesOf(body))
      pages++
      const link = typeof headers.link === 'string' ? /^<(\/api\/sensors\?[^>]*)>; rel="next"$/.exec(headers.link)?.[1] : undefined
      expect(link !== undefined).toBe(headers.link !== undefined)
      if (link) expect(Object.fromEntries(new URL(link, app.url).searchParams)).toMatchObject({ limit: '70', q: 'd', fields: 'state' })
      // Those that come meanwhile, before or behind, disturb nothing.
      await publish(`a-${pages}`, { tempC: 1 })
      address = link
    }
    const expected = Array.from({ length: DEVICES }, (_, n) => `d-${n}`)
    expect(names.filter(name => name.startsWith('d-'))).toEqual(expected.sort())
    expect(new Set(names).size).toBe(names.length)
  })

  it('finds what is looked for, a question mark as well', async () => {
    expect(namesOf((await ask('?q=t%C3%9Cr%3F')).body)).toEqual(['Tür?'])
    expect(namesOf((await ask(`?q=${encodeURIComponent('note öpen?')}`)).body)).toEqual(['Tür?'])
    expect(namesOf((await ask('?q=tempc+open&limit=2')).body)).toEqual(['d-1', 'd-101'])
    expect((await ask('?q=nothing+like+that')).body.toString()).toBe('[]')
  })

  it('has the chosen fields', async () => {
    const { body } = await ask('?q=d-7&limit=1&fields=values,clock')
    const [only] = DeviceListSchema.parse(JSON.parse(body.toString()))
    expect(Object.keys(only ?? {})).toEqual(['deviceId', 'values', 'clock'])
  })

  it.for([
    ['limit=0', 'limit'],
    ['limit=10001', 'limit'],
    ['limit=1&limit=2', 'limit'],
    ['cursor=%2F', 'cursor'],
    [`q=${'x'.repeat(257)}`, 'q'],
    [`q=${'w+'.repeat(17)}`, 'q'],
    ['fields=values,colour', 'colour'],
  ])('refuses ?%s and names %s', async ([query, named]) => {
    // What the client has at hand does not make a wrong question right.
    const { status, headers, body } = await ask(`?${query}`, { 'if-none-match': '*' })
    expect(status).toBe(400)
    const { error } = ErrorAnswerSchema.parse(JSON.parse(body.toString()))
    expect(error.code).toBe('query-invalid')
    expect(error.message).toContain(named)
    expect(headers).not.toHaveProperty('etag')
  })

  it('answers HEAD with the head of GET', async () => {
    for (const [query, accepted] of [['', 'identity'], ['', 'br'], ['?limit=2', 'identity']]) {
      const { headers: { date: _, ...expected } } = await ask(query, { 'accept-encoding': accepted })
      const { status, headers, body } = await ask(query, { 'accept-encoding': accepted }, 'HEAD')
      expect([status, body.length]).toEqual([200, 0])
      expect(headers).toMatchObject(expected)
      expect((await ask(query, { 'if-none-match': expected.etag }, 'HEAD')).status).toBe(304)
    }
  })
})
