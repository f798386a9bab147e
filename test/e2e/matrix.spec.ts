// Every route and every frame of the streams, for everybody who may ask: what the table of rules says is what the built server does, and
// nobody is told of a device that they may not see.
import mqtt from 'mqtt'
import type { MqttClient } from 'mqtt'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { StreamEventSchema, StreamRequestSchema } from '#shared/schemas/events'
import type { StreamRequest } from '#shared/schemas/events'
import { RULES, ruleOf } from '#shared/api/access'
import type { RouteKey } from '#shared/api/access'
import type { App } from './support/app'
import { caller, openSite } from './support/askers'
import type { Asker, Call } from './support/askers'
import { builtRoutes } from './support/built-routes'
import { listen, listenToServerSent } from './support/listening'
import type { Listener } from './support/listening'
import { until } from './support/until'

const KEYS = Object.keys(RULES).filter((key): key is RouteKey => key in RULES)
const ASKERS = ['nobody', 'otherViewer', 'viewer', 'otherOperator', 'operator', 'admin', 'adminToken', 'otherToken', 'expiredToken', 'wrongToken', 'linkToOther', 'linkToOtherDevice', 'linkToAll']
/** What only whoever may see everything, or has a link to it, may hear of: names of the device, its label, where it is. */
const HIDDEN = { deviceId: 'north-1', name: 'Frostpforte', group: 'Nordhang', place: 'Eisfeld' }
const SECRETS = Object.values(HIDDEN)
/** Comes from nowhere into South, and goes on to the hidden group. */
const WANDERER = 'wanderer-1'
const ABSENT = 'nobody-has-this-name'

const PLAYING = (at: string): StreamRequest[] => [{ type: 'pause' }, { type: 'step' }, { type: 'seek', at }, { type: 'play', speed: 600 }]

let app: App
let askers: Record<string, Asker>
let close: () => Promise<void>
let call: Call
let device: MqttClient
beforeAll(async () => {
  ({ app, askers, close } = await openSite())
  call = caller(app.url)
  const admin = askerOf('admin').headers
  const { broker } = await until(async () => {
    const health = await (await call('GET', '/api/health', admin)).json()
    return health.broker.code === 'connected' ? health : undefined
  }, 'the broker')
  device = await mqtt.connectAsync(broker.url, { protocolVersion: 4 })
  const { deviceId, ...profile } = HIDDEN
  expect((await call('PUT', `/api/devices/${deviceId}`, admin, profile)).status).toBe(200)
  expect((await call('PUT', '/api/devices/south-1', admin, { group: 'South', place: 'Hof' })).status).toBe(200)
  expect((await call('PUT', `/api/devices/${deviceId}/picture`, admin, Buffer.from('89504e470d0a1a0a', 'hex').toString('latin1'))).status).toBe(415)
  expect((await fetch(`${app.url}/api/devices/${deviceId}/picture`, { method: 'PUT', headers: admin, body: new Uint8Array(Buffer.from('89504e470d0a1a0a', 'hex')) })).status).toBe(200)
  expect((await call('PUT', `/api/groups/${HIDDEN.group}`, admin, { intervalSeconds: 60 })).status).toBe(200)
  for (const name of [deviceId, 'south-1']) await device.publishAsync(`sensors/${name}/telemetry`, '{"metrics":{"tempC":21.5}}', { qos: 1 })
  await until(async () => (await (await call('GET', '/api/sensors', admin)).json()).length === 2, 'two devices')
})
afterAll(async () => {
  await device.endAsync()
  await close()
})

function askerOf(name: string): Asker {
  const asker = askers[name]
  if (!asker) throw new Error(`There is nobody called ${name}.`)
  return asker
}

const ORDER = ['viewer', 'operator', 'admin']

/** What the table says of a route that names the hidden device or its group; `in`: whoever asks is let in. */
function expected(key: RouteKey, name: string): 'in' | 401 | 403 | 404 {
  const { role, isInPerson, isLimited, isByLink } = askerOf(name)
  const { least, inPerson, limited, byLink } = ruleOf(key)
  if (least !== 'everyone' && role === null) return 401
  if (least !== 'everyone' && ORDER.indexOf(role ?? '') < ORDER.indexOf(least)) return 403
  if ((isByLink && !byLink) || (inPerson && !isInPerson) || (isLimited && limited === 'nothing')) return 403
  if (!isLimited || name === 'linkToAll') return 'in'
  if (key.includes('{deviceId}')) return 404
  return key.includes('{group}') ? 403 : 'in'
}

/** How the routes that need it are asked. */
const QUERIES: Partial<Record<RouteKey, string>> = {
  'get /api/sensors/{deviceId}/history': '?metric=tempC',
  'get /api/sparklines': `?device=${HIDDEN.deviceId}&device=south-1`,
}
/** There is no identity provider here; with one they lead there and back (test/e2e/oidc.spec.ts). */
const WITHOUT_PROVIDER: readonly RouteKey[] = ['get /api/oidc/login', 'get /api/oidc/callback']
/** Would end something that the tests after it need; looked at elsewhere. */
const ENDINGS: readonly RouteKey[] = ['delete /api/session', 'delete /api/account/sessions']

/** A change is sent with a body that cannot be taken, and, where it needs none and is let in, to something that is not there. */
function addressOf(key: RouteKey, isIn: boolean): string {
  const [method, path = ''] = key.split(' ')
  const deviceId = method === 'get' || !isIn ? HIDDEN.deviceId : ABSENT
  const names: Record<string, string> = { deviceId, group: HIDDEN.group }
  return path.replaceAll(/\{(\w+)\}/g, (_, name: string) => names[name] ?? ABSENT) + (QUERIES[key] ?? '')
}

describe('the table of rules', () => {
  it('has a line for each route of the built server, and no other', () => {
    const routes = builtRoutes()
    expect(routes.length).toBeGreaterThan(50)
    expect(routes.toSorted()).toEqual(KEYS.toSorted())
  })

  it('is about everybody that this test knows', () => {
    expect(Object.keys(askers).toSorted()).toEqual(ASKERS.toSorted())
  })
})

describe('every route, for everybody', () => {
  const routes = KEYS.filter(key => !key.startsWith('get /ws/') && !ENDINGS.includes(key))

  it.each(routes.flatMap(key => ASKERS.map(asker => [key, asker] as const)))('%s by %s', async (key, asker) => {
    const outcome = expected(key, asker)
    const [method = ''] = key.split(' ')
    const controller = new AbortController()
    const answer = await fetch(app.url + addressOf(key, outcome === 'in'), { method: method.toUpperCase(), headers: askerOf(asker).headers, redirect: 'manual', signal: controller.signal, ...(method !== 'get' && { body: 'no JSON' }) })
    const text = answer.headers.get('content-type')?.startsWith('text/event-stream') ? await beginningOf(answer) : await answer.text()
    controller.abort()
    if (outcome !== 'in') expect(answer.status, text).toBe(outcome)
    else if (method === 'get') expect(answer.status, text).toBe(WITHOUT_PROVIDER.includes(key) ? 404 : 200)
    else expect([401, 403], text).not.toContain(answer.status)
    if (!maySeeAll(asker)) expect(secretsIn(text + JSON.stringify([...answer.headers]))).toEqual([])
  })

  it('tells those who may see it of the device that others must not hear of', async () => {
    const tellers = routes.filter(key => key.startsWith('get ') && ruleOf(key).limited === 'theirs' && !['get /api/events', 'get /api/health', 'get /api/presence'].includes(key))
    const about = await Promise.all(tellers.map(async key => [key, (await (await call('GET', addressOf(key, true), askerOf('viewer').headers)).text())] as const))
    // Neither the figures of one device nor its picture name it.
    const nameless = ['get /api/devices/{deviceId}/picture', 'get /api/sensors/{deviceId}/export']
    expect(about.filter(([key, text]) => !nameless.includes(key) && secretsIn(text).length === 0)).toEqual([])
  })

  it('has left the hidden device as it was', async () => {
    const known = await (await call('GET', `/api/devices/${HIDDEN.deviceId}`, askerOf('admin').headers)).json()
    expect(known).toMatchObject(HIDDEN)
  })

  it('gives those with limited rights their part, under a tag of their own', async () => {
    const ask = (asker: string, headers = {}) => call('GET', '/api/sensors', { ...askerOf(asker).headers, ...headers })
    const [all, some] = [await ask('viewer'), await ask('otherViewer')]
    expect((await all.json()).length).toBe(2)
    expect((await some.json()).map(({ deviceId }: { deviceId: string }) => deviceId)).toEqual(['south-1'])
    const tags = [all.headers.get('etag') ?? '', some.headers.get('etag') ?? '']
    expect(tags[0]).not.toBe(tags[1])
    expect((await ask('otherViewer', { 'if-none-match': tags[0] })).status).toBe(200)
    expect((await ask('otherViewer', { 'if-none-match': tags[1] })).status).toBe(304)
    for (const query of ['?limit=10', '?q=tempC', '?fields=values', `?at=${new Date().toISOString()}`]) {
      const text = await (await call('GET', `/api/sensors${query}`, askerOf('otherViewer').headers)).text()
      expect(text, query).toContain('south-1')
      expect(text, query).not.toContain(HIDDEN.deviceId)
    }
    expect(await (await call('GET', '/api/presence', askerOf('otherViewer').headers)).json()).toMatchObject({ live: 1 })
    expect(await (await call('GET', '/api/groups', askerOf('otherViewer').headers)).json()).toEqual([{ name: 'South', devices: 1 }])
    expect(await (await call('GET', '/api/places', askerOf('otherViewer').headers)).json()).toEqual([{ name: 'Hof', devices: 1 }])
  })
})

describe('every frame of the streams, for everybody', () => {
  // Each way to be told, over both protocols.
  const MODES = ['', '?after=', '?mode=latest&rate=60', '?batch=10', `?device=${HIDDEN.deviceId}&device=south-1`, `?group=${HIDDEN.group}&group=South`, '?at=then&speed=600']
  const WAYS = MODES.flatMap(mode => [['WebSocket', mode, listen] as const, ['server-sent', mode, listenToServerSent] as const])
  const REQUESTS: StreamRequest[] = [
    { type: 'ping' },
    { type: 'subscribe', devices: [HIDDEN.deviceId] },
    { type: 'subscribe', groups: [HIDDEN.group] },
    { type: 'subscribe', devices: null },
  ]
  let then = ''
  /** The id of an event that everybody who may see it all has been told. */
  let lastId = ''
  const heard = new Map<string, { listener: Listener, asker: string }>()

  beforeAll(async () => {
    then = new Date().toISOString()
    const scout = await listen(app, askerOf('viewer').headers, '?after=')
    lastId = await until(() => scout.events().flatMap(event => 'id' in event && event.id ? event.id : []).at(-1), 'an id')
    scout.close()
    for (const asker of ASKERS) {
      for (const [protocol, mode, open] of [...WAYS, ['WebSocket', `?after=${lastId}`, listen] as const]) {
        const listener = await open(app, askerOf(asker).headers, mode.replace('then', then))
        heard.set(`${asker} ${protocol} ${mode}`, { listener, asker })
        if (listener.status !== 101) continue
        for (const request of REQUESTS) listener.say(request)
        for (const request of mode.startsWith('?at=') ? PLAYING(then) : []) listener.say(request)
        listener.say({ type: 'nonsense' })
      }
    }
    await provoke()
  })
  afterAll(() => {
    for (const { listener } of heard.values()) listener.close()
  })

  /** Lets happen to the hidden device whatever there are events about, and the same to one that comes from another group and goes back. */
  async function provoke() {
    const { headers } = askerOf('admin')
    const say = (deviceId: string, topic: string, message: object) => device.publishAsync(`sensors/${deviceId}/${topic}`, JSON.stringify(message), { qos: 1 })
    for (const deviceId of [HIDDEN.deviceId, 'south-1']) {
      await say(deviceId, 'telemetry', { metrics: { tempC: 22.5 } })
      await say(deviceId, 'state', { status: 'offline', updated_at: new Date().toISOString() })
      await say(deviceId, 'telemetry', { metrics: { tempC: 23.5 } })
    }
    const { deviceId, ...profile } = HIDDEN
    await call('PUT', `/api/devices/${deviceId}`, headers, { ...profile, note: 'Only for some' })
    await call('DELETE', `/api/devices/${deviceId}`, headers)
    await call('POST', `/api/devices/${deviceId}/restore`, headers)
    await say(WANDERER, 'telemetry', { metrics: { tempC: 1 } })
    await call('PUT', `/api/devices/${WANDERER}`, headers, { group: 'South' })
    // Whoever gets only the latest is told of no stay that is over before it is told.
    for (const [way, { listener, asker }] of heard) {
      if (asker === 'otherViewer' && !way.includes('?at=')) await until(() => listener.text().includes(WANDERER), `the wanderer to come to ${way}`)
    }
    await call('PUT', `/api/devices/${WANDERER}`, headers, { group: HIDDEN.group })
    await say('south-1', 'telemetry', { metrics: { last: 1 } })
    for (const [way, { listener, asker }] of heard) {
      if (way.includes('?at=') || ![101, 200].includes(listener.status) || (asker === 'linkToOtherDevice' && way.includes('device='))) continue
      await until(() => listener.text().includes('"last"'), `the last message to ${way}`)
    }
  }

  it.each(ASKERS)('opens them to those who may look: %s', (asker) => {
    const statuses = [...heard.values()].filter(each => each.asker === asker).map(({ listener }) => listener.status)
    const { role } = askerOf(asker)
    expect(new Set(statuses)).toEqual(new Set(role === null ? [401] : [101, 200]))
  })

  it.each(ASKERS.filter(asker => !['nobody', 'expiredToken', 'wrongToken'].includes(asker)))('tells nobody of what they may not see: %s', (asker) => {
    for (const [way, { listener, ...each }] of heard) {
      if (each.asker !== asker) continue
      expect(secretsIn(listener.text()).length > 0, way).toBe(maySeeAll(asker))
      expect(listener.events().length, way).toBeGreaterThan(1)
    }
  })

  it('has gone through every type of event, and of request', () => {
    const told = new Set([...heard.values()].flatMap(({ listener }) => listener.events().map(({ type }) => type)))
    // One takes ten quiet seconds, one a client that reads too slowly: test/unit/server/stream/hub.spec.ts.
    const elsewhere = new Set<string>(['heartbeat', 'coalesced'])
    const missing = StreamEventSchema.options.map(({ shape }) => shape.type.value).filter(type => !told.has(type) && !elsewhere.has(type))
    expect(missing).toEqual([])
    const said = new Set([...REQUESTS, ...PLAYING(then)].map(({ type }) => type))
    expect(StreamRequestSchema.options.map(({ shape }) => shape.type.value).filter(type => !said.has(type))).toEqual([])
  })

  it('tells the others of the hidden device in every type that tells of devices', () => {
    const about = new Set([...heard.values()].filter(({ asker }) => asker === 'viewer').flatMap(({ listener }) => listener.events()).filter(event => secretsIn(JSON.stringify(event)).length > 0).map(({ type }) => type))
    expect([...about].toSorted()).toEqual(['batch', 'device', 'forgotten', 'presence', 'snapshot', 'state', 'states', 'telemetry'])
  })

  it('shows a device that comes into one’s group, and withdraws it when it leaves', () => {
    for (const [way, { listener, asker }] of heard) {
      if (asker !== 'otherViewer' || way.includes('?at=')) continue
      expect(listener.text(), way).toContain(`"type":"withdrawn"`)
      expect(JSON.stringify(listener.events().findLast(event => JSON.stringify(event).includes(WANDERER))), way).toContain('withdrawn')
      expect(listener.events().some(event => event.type !== 'withdrawn' && JSON.stringify(event).includes(WANDERER)), way).toBe(true)
    }
  })
})

function secretsIn(text: string): string[] {
  return SECRETS.filter(secret => text.includes(secret))
}

function maySeeAll(name: string): boolean {
  const { role, isLimited } = askerOf(name)
  return role !== null && (!isLimited || name === 'linkToAll')
}

/** The first of a stream, which has no end. */
async function beginningOf(answer: Response): Promise<string> {
  const { value } = await answer.body?.getReader().read() ?? {}
  return new TextDecoder().decode(value)
}
