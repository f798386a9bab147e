import { Ajv } from 'ajv'
import { Ajv2020 } from 'ajv/dist/2020.js'
import addFormats from 'ajv-formats'
import mqtt from 'mqtt'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { NOT_BUILT_YET } from '../unit/server/documents/not-built-yet'
import { ACCOUNT_ANSWERS } from './support/account-answers'
import { launchApp, startApp } from './support/app'
import type { App, Env } from './support/app'
import { caller } from './support/askers'
import { connectDevice } from './support/broker'
import { HOST, openSite as openProviderSite, SESSION, signIn } from './support/oidc-site'
import { until } from './support/until'
import { createVisitor } from './support/visitor'

const SchemasSchema = z.record(z.string(), z.record(z.string(), z.unknown()))
const OpenApiSchema = z.looseObject({
  openapi: z.string(),
  paths: z.record(z.string(), z.record(z.string(), z.object({ responses: z.record(z.string(), z.looseObject({ description: z.string() })) }))),
  components: z.looseObject({ schemas: SchemasSchema }),
})
const AsyncApiSchema = z.looseObject({
  asyncapi: z.string(),
  channels: z.record(z.string(), z.looseObject({ address: z.string() })),
  components: z.looseObject({
    schemas: SchemasSchema,
    messages: z.record(z.string(), z.looseObject({ examples: z.tuple([z.object({ payload: z.unknown() })]) })),
  }),
})
const FrameSchema = z.looseObject({ type: z.string() })

/** The sites that it takes to see every answer. */
const SITES: Record<Site, Env> = {
  well: {},
  forgetful: { NUXT_HISTORY: 'off' },
  busy: { NUXT_LIMITS_REPLAYS: '1' },
  cutOff: { NUXT_MQTT_URL: 'mqtt://127.0.0.1:1' },
  // Little can be said about one device, and no picture fits.
  small: { NUXT_LIMITS_DEVICES: '1', NUXT_LIMITS_REGISTRY_BYTES: '100', NUXT_LIMITS_PICTURES_BYTES: '1' },
  diskless: { NUXT_DATA_DIR: '/dev/null/nowhere' },
  // Its people sign in elsewhere, where nobody answers.
  federated: { NUXT_OIDC_ISSUER: 'http://127.0.0.1:1', NUXT_OIDC_CLIENT_ID: 'leitstand', NUXT_OIDC_DEFAULT_ROLE: 'viewer' },
}
type Site = 'federated' | 'well' | 'forgetful' | 'busy' | 'cutOff' | 'small' | 'diskless'

const DEVICE = '/api/sensors/{deviceId}'
/** When the device of the documents has measured. */
const THEN = 'at=2026-11-02T12:00:00Z'
const ANSWERS: [route: string, status: number, address: string, site?: Site, headers?: Record<string, string>][] = [
  ['/api/sensors', 200, '/api/sensors'],
  ['/api/sensors', 200, '/api/sensors?limit=1&q=GATE&fields=values,state'],
  ['/api/sensors', 304, '/api/sensors', 'well', { 'if-none-match': '*' }],
  ['/api/sensors', 400, '/api/sensors?fields=colour'],
  ['/api/sensors', 200, `/api/sensors?${THEN}`],
  ['/api/sensors', 400, '/api/sensors?at=2026-11-02T11:00:00Z'],
  ['/api/sensors', 404, `/api/sensors?${THEN}`, 'forgetful'],
  ['/api/sensors', 503, `/api/sensors?${THEN}`, 'diskless'],
  [DEVICE, 200, '/api/sensors/gate-001'],
  [DEVICE, 404, '/api/sensors/nobody'],
  [DEVICE, 200, `/api/sensors/gate-001?${THEN}`],
  [DEVICE, 400, '/api/sensors/gate-001?at=9999-01-01T00:00:00Z'],
  [DEVICE, 404, `/api/sensors/gate-001?${THEN}`, 'forgetful'],
  [DEVICE, 503, `/api/sensors/gate-001?${THEN}`, 'diskless'],
  [`${DEVICE}/messages`, 200, '/api/sensors/gate-001/messages'],
  [`${DEVICE}/messages`, 400, '/api/sensors/gate-001/messages?limit=0'],
  [`${DEVICE}/counters`, 200, '/api/sensors/gate-001/counters'],
  [`${DEVICE}/counters`, 404, '/api/sensors/nobody/counters'],
  [`${DEVICE}/messages`, 404, '/api/sensors/nobody/messages'],
  [`${DEVICE}/history`, 200, '/api/sensors/gate-001/history?metric=tempC'],
  [`${DEVICE}/history`, 200, '/api/sensors/gate-001/history?metric=doorState&points=10'],
  [`${DEVICE}/history`, 200, '/api/sensors/gate-001/history?metric=tempC&resolution=raw&limit=1'],
  [`${DEVICE}/history`, 200, '/api/sensors/gate-001/history?metric=tempC&from=2020-01-01T00:00:00Z&to=1893456000000'],
  [`${DEVICE}/history`, 400, '/api/sensors/gate-001/history'],
  [`${DEVICE}/history`, 400, '/api/sensors/gate-001/history?metric=tempC&from=yesterday&points=0'],
  [`${DEVICE}/history`, 404, '/api/sensors/nobody/history?metric=tempC'],
  [`${DEVICE}/history`, 503, '/api/sensors/gate-001/history?metric=tempC', 'forgetful'],
  [`${DEVICE}/presence`, 200, '/api/sensors/gate-001/presence'],
  [`${DEVICE}/presence`, 200, '/api/sensors/gate-001/presence?from=2020-01-01T00:00:00Z&to=1893456000000&limit=1'],
  [`${DEVICE}/presence`, 400, '/api/sensors/gate-001/presence?limit=0'],
  [`${DEVICE}/presence`, 404, '/api/sensors/nobody/presence'],
  [`${DEVICE}/presence`, 503, '/api/sensors/gate-001/presence', 'forgetful'],
  [`${DEVICE}/export`, 200, '/api/sensors/gate-001/export'],
  [`${DEVICE}/export`, 200, '/api/sensors/gate-001/export?format=jsonl&metric=tempC'],
  [`${DEVICE}/export`, 400, '/api/sensors/gate-001/export?format=xlsx'],
  [`${DEVICE}/export`, 404, '/api/sensors/nobody/export'],
  [`${DEVICE}/export`, 503, '/api/sensors/gate-001/export', 'forgetful'],
  ['/api/sparklines', 200, '/api/sparklines?device=gate-001'],
  ['/api/sparklines', 200, '/api/sparklines?device=gate-001&device=nobody'],
  ['/api/sparklines', 400, '/api/sparklines'],
  ['/api/sparklines', 503, '/api/sparklines?device=gate-001', 'forgetful'],
  ['/api/events', 200, '/api/events'],
  ['/api/events', 200, '/api/events?after=&mode=latest&device=gate-001'],
  ['/api/events', 400, '/api/events?mode=some'],
  ['/api/events', 200, `/api/events?${THEN}&speed=60&batch=100`],
  ['/api/events', 404, `/api/events?${THEN}`, 'forgetful'],
  ['/api/events', 503, `/api/events?${THEN}`, 'diskless'],
  ['/api/rejections', 200, '/api/rejections'],
  ['/api/topics', 200, '/api/topics'],
  ['/api/topics', 200, '/api/topics?under=&under=sensors/&under=sensors/gate-001/'],
  ['/api/topics', 200, '/api/topics?q=gate&limit=1'],
  ['/api/topics', 400, '/api/topics?limit=0'],
  ['/api/doctor', 200, '/api/doctor'],
  ['/api/doctor', 200, '/api/doctor', 'cutOff'],
  ['/api/presence', 200, '/api/presence'],
  ['/metrics', 200, '/metrics'],
  ['/metrics', 200, '/metrics', 'diskless'],
  ['/api/health', 200, '/api/health'],
  ['/api/health', 503, '/api/health', 'cutOff'],
  ['/api/storage', 200, '/api/storage'],
  ['/api/storage', 503, '/api/storage', 'forgetful'],
  ['/api/oidc/login', 302, '/api/oidc/login?to=/topics', 'federated'],
  ['/api/oidc/login', 404, '/api/oidc/login'],
  ['/api/oidc/callback', 302, '/api/oidc/callback?code=a&code=b', 'federated'],
  ['/api/oidc/callback', 404, '/api/oidc/callback'],
  ['/api/openapi.json', 200, '/api/openapi.json'],
  ['/api/asyncapi.json', 200, '/api/asyncapi.json'],
]

const PNG = Buffer.from('89504e470d0a1a0a', 'hex')
const PROFILE = '/api/devices/{deviceId}'
const FILE = { format: 'leitstand-devices/1', devices: [{ deviceId: 'gate-001', name: 'North gate', picture: `data:image/png;base64,${PNG.toString('base64')}` }] }

/** In this order: what was written first is read afterwards. */
const CHANGES: [method: string, route: string, status: number, address: string, body?: string | Buffer, site?: Site][] = [
  ['put', PROFILE, 200, '/api/devices/gate-001', '{"name":"North gate","group":"Gates","place":"Yard","metrics":{"tempC":{"decimals":1}}}'],
  ['put', PROFILE, 200, '/api/devices/gate-002', '{"name":"Kept without a history"}', 'forgetful'],
  ['put', PROFILE, 400, '/api/devices/gate-001', '{"name":"","metrics":{"tempC":{"decimal":1}}}'],
  ['put', PROFILE, 409, '/api/devices/gate-002', `{"note":"${'x'.repeat(100)}"}`, 'small'],
  ['put', PROFILE, 413, '/api/devices/gate-001', `{"note":"${'x'.repeat(1_100_000)}"}`],
  ['put', PROFILE, 503, '/api/devices/gate-001', '{"name":"North gate"}', 'diskless'],
  ['put', `${PROFILE}/picture`, 200, '/api/devices/gate-001/picture', PNG],
  ['put', `${PROFILE}/picture`, 409, '/api/devices/gate-002/picture', PNG, 'small'],
  ['put', `${PROFILE}/picture`, 413, '/api/devices/gate-001/picture', Buffer.concat([PNG, Buffer.alloc(200_000)])],
  ['put', `${PROFILE}/picture`, 415, '/api/devices/gate-001/picture', '<svg onload="alert(1)"/>'],
  ['put', `${PROFILE}/picture`, 503, '/api/devices/gate-001/picture', PNG, 'diskless'],
  ['put', '/api/groups/{group}', 200, '/api/groups/Gates', '{"intervalSeconds":60}'],
  ['put', '/api/groups/{group}', 400, '/api/groups/Gates', '{"intervalSeconds":"often"}'],
  ['put', '/api/groups/{group}', 200, '/api/groups/Gates', '{"intervalSeconds":60}', 'small'],
  ['put', '/api/groups/{group}', 409, '/api/groups/Doors', '{"intervalSeconds":60}', 'small'],
  ['put', '/api/groups/{group}', 503, '/api/groups/Gates', '{"intervalSeconds":60}', 'diskless'],
  ['put', '/api/site', 200, '/api/site', '{"intervalSeconds":600}'],
  ['put', '/api/site', 400, '/api/site', 'no JSON'],
  ['put', '/api/site', 503, '/api/site', '{"intervalSeconds":600}', 'diskless'],
  ['get', '/api/devices', 200, '/api/devices'],
  ['get', PROFILE, 200, '/api/devices/gate-001'],
  ['get', PROFILE, 200, '/api/devices/nobody'],
  ['get', `${PROFILE}/picture`, 200, '/api/devices/gate-001/picture'],
  ['get', `${PROFILE}/picture`, 404, '/api/devices/nobody/picture'],
  ['get', '/api/groups', 200, '/api/groups'],
  ['get', '/api/places', 200, '/api/places'],
  ['get', '/api/site', 200, '/api/site'],
  ['get', '/api/registry', 200, '/api/registry'],
  ['put', '/api/registry', 200, '/api/registry?dryRun=true', JSON.stringify(FILE)],
  ['put', '/api/registry', 200, '/api/registry', JSON.stringify(FILE)],
  ['put', '/api/registry', 400, '/api/registry', JSON.stringify({ ...FILE, devices: [{ deviceId: 'a', colour: 'red' }] })],
  ['put', '/api/registry', 400, '/api/registry?dryRun=perhaps', JSON.stringify(FILE)],
  ['put', '/api/registry', 400, '/api/registry', JSON.stringify({ ...FILE, devices: [{ deviceId: 'a', picture: 'data:image/png;base64,AAAA' }] })],
  ['put', '/api/registry', 409, '/api/registry', JSON.stringify({ ...FILE, devices: [{ deviceId: 'a' }, { deviceId: 'b' }] }), 'small'],
  ['put', '/api/registry', 413, '/api/registry', ' '.repeat(2_000_000), 'small'],
  ['put', '/api/registry', 503, '/api/registry', JSON.stringify(FILE), 'diskless'],
  ['post', '/api/doctor/examination', 200, '/api/doctor/examination'],
  ['post', '/api/doctor/examination', 503, '/api/doctor/examination', undefined, 'cutOff'],
  ['get', '/api/doctor', 200, '/api/doctor'],
  ['delete', `${PROFILE}/picture`, 200, '/api/devices/gate-001/picture'],
  ['delete', `${PROFILE}/picture`, 503, '/api/devices/gate-001/picture', undefined, 'diskless'],
  ['delete', PROFILE, 200, '/api/devices/gate-001'],
  ['delete', PROFILE, 404, '/api/devices/nobody'],
  ['post', `${PROFILE}/restore`, 200, '/api/devices/gate-001/restore'],
  ['post', `${PROFILE}/restore`, 404, '/api/devices/gate-001/restore'],
]

/** An answer that says more than its description is as wrong as one that says less: here, unlike in the document, objects are closed. */
function closed(part: unknown): unknown {
  if (Array.isArray(part)) return part.map(closed)
  if (typeof part !== 'object' || part === null) return part
  const inner = Object.fromEntries(Object.entries(part).map(([key, value]) => [key, closed(value)]))
  return 'properties' in part && !('additionalProperties' in part) ? { ...inner, additionalProperties: false } : inner
}

/** Finds what speaks against a value by the schema that stands at `path` in the document. */
function createJudge(ajv: Ajv, document: { components: { schemas: object } }) {
  addFormats.default(ajv)
  const schemas = closed(document.components.schemas)
  ajv.addSchema({ ...document, components: { ...document.components, schemas } }, 'document')
  return (path: string[], value: unknown): string | undefined => {
    const pointer = path.map(part => encodeURIComponent(part.replaceAll('~', '~0').replaceAll('/', '~1'))).join('/')
    ajv.validate({ $ref: `document#/${pointer}` }, value)
    return ajv.errors ? `${ajv.errorsText()} in ${JSON.stringify(value)}` : undefined
  }
}

/** A server; where it has a broker, one device has sent what the AsyncAPI document shows, and one message was wrong. */
async function openSite(env: Env): Promise<App> {
  const app = await launchApp(env)
  if (![SITES.well, SITES.forgetful, SITES.busy].includes(env)) return app
  const { broker } = await app.untilBroker('connected')
  const { channels, components } = AsyncApiSchema.parse(await app.get('/api/asyncapi.json'))
  const device = await mqtt.connectAsync(broker.url, { protocolVersion: 4 })
  for (const [channel, message] of [['telemetry', 'TelemetryMessage'], ['state', 'StateMessage']] as const) {
    const topic = channels[channel]?.address.replace('{deviceId}', 'gate-001') ?? ''
    await device.publishAsync(topic, JSON.stringify(components.messages[message]?.examples[0].payload), { qos: 1 })
  }
  await device.publishAsync('sensors/gate-001/telemetry', '{"metrics":{"tempC":22,"doorState":"closed"}}', { qos: 1 })
  await device.publishAsync('sensors/gate-001/telemetry', 'hello', { qos: 1 })
  await device.endAsync()
  const { messages } = await until(async () => {
    const health = await app.health()
    return health.messages.received === 4 ? health : undefined
  }, 'the messages to arrive')
  expect(messages).toMatchObject({ accepted: 3, rejected: 1 })
  return app
}

describe('the OpenAPI document', () => {
  const sites = new Map<Site, App>()
  let document: z.infer<typeof OpenApiSchema>
  let judge: ReturnType<typeof createJudge>

  beforeAll(async () => {
    for (const site of ['well', 'forgetful', 'busy', 'cutOff', 'small', 'diskless', 'federated'] as const) sites.set(site, await openSite(SITES[site]))
    document = OpenApiSchema.parse(await sites.get('well')?.get('/api/openapi.json'))
    judge = createJudge(new Ajv2020({ strict: false, allErrors: true }), document)
  })
  afterAll(() => Promise.all([...sites.values()].map(app => app.stop())))

  it.for(ANSWERS)('describes what %s answers with %i: %s', async ([route, status, address, site = 'well', headers = {}], { skip }) => {
    const response = await fetch(`${sites.get(site)?.url}${address}`, { headers, redirect: 'manual' })
    const text = await textOf(response)
    skip(isNotBuilt(route, response.status, text), 'not built yet')
    expectDescribed('get', route, status, response, text)
  })

  it.for(CHANGES)('describes what %s %s answers with %i: %s', async ([method, route, status, address, body, site = 'well']) => {
    const response = await fetch(`${sites.get(site)?.url}${address}`, { method: method.toUpperCase(), ...(body !== undefined && { body: typeof body === 'string' ? body : new Uint8Array(body) }) })
    expectDescribed(method, route, status, response, await response.text())
  })

  it('describes 429 of the past', async () => {
    const url = sites.get('busy')?.url
    const replay = await fetch(`${url}/api/events?${THEN}`)
    for (const [route, address] of [['/api/sensors', '/api/sensors'], [DEVICE, '/api/sensors/gate-001'], ['/api/events', '/api/events']] as const) {
      const response = await fetch(`${url}${address}?${THEN}`)
      expectDescribed('get', route, 429, response, await response.text())
    }
    await replay.body?.cancel()
  })

  it('describes 304 of what people say', async () => {
    for (const [route, address] of [['/api/devices', '/api/devices'], [`${PROFILE}/picture`, '/api/devices/gate-001/picture']] as const) {
      await fetch(`${sites.get('well')?.url}/api/devices/gate-001/picture`, { method: 'PUT', body: new Uint8Array(PNG) })
      const response = await fetch(`${sites.get('well')?.url}${address}`, { headers: { 'if-none-match': '*' } })
      expectDescribed('get', route, 304, response, await response.text())
    }
  })

  it('describes what is answered about accounts', async () => {
    const app = await startApp()
    let cookie = ''
    for (const { method, route, status, path = route, body, as = 'machine', at, times = 1 } of ACCOUNT_ANSWERS) {
      for (let i = 0; i < times; i++) {
        const url = at ? sites.get(at)?.url : app.url
        const response = await fetch(`${url}${path}`, { method: method.toUpperCase(), headers: as === 'admin' ? { cookie } : {}, ...(body && { body: JSON.stringify(body) }) })
        cookie = response.headers.get('set-cookie')?.split(';')[0] ?? cookie
        expectDescribed(method, route, status, response, await response.text())
      }
    }
  })

  it('describes what is answered to a token, and to who guesses the first account’s code', async () => {
    const app = await startApp()
    const far = { 'x-forwarded-for': '192.0.2.7' }
    const first = { name: 'admin', password: 'correct horse battery' }
    for (const status of [403, 403, 403, 403, 403, 429]) {
      const response = await fetch(`${app.url}/api/first-account`, { method: 'POST', headers: far, body: JSON.stringify({ ...first, code: 'wrong' }) })
      expectDescribed('post', '/api/first-account', status, response, await response.text())
    }

    const other = await startApp()
    const made = await fetch(`${other.url}/api/first-account`, { method: 'POST', body: JSON.stringify(first) })
    const admin = { cookie: made.headers.get('set-cookie')?.split(';')[0] ?? '' }
    await fetch(`${other.url}/api/accounts`, { method: 'POST', headers: admin, body: JSON.stringify({ ...first, name: 'vera', role: 'viewer' }) })
    const signedIn = await fetch(`${other.url}/api/session`, { method: 'POST', body: JSON.stringify({ ...first, name: 'vera' }) })
    const vera = { cookie: signedIn.headers.get('set-cookie')?.split(';')[0] ?? '' }
    const tooMuch = await fetch(`${other.url}/api/tokens`, { method: 'POST', headers: vera, body: JSON.stringify({ name: 'script', role: 'admin', days: null }) })
    expectDescribed('post', '/api/tokens', 403, tooMuch, await tooMuch.text())
    const token = await fetch(`${other.url}/api/tokens`, { method: 'POST', headers: vera, body: JSON.stringify({ name: 'script', role: 'viewer', days: null }) })
    const { id } = z.object({ id: z.string() }).parse(await token.json())
    const removed = await fetch(`${other.url}/api/tokens/${id}`, { method: 'DELETE', headers: vera })
    expectDescribed('delete', '/api/tokens/{tokenId}', 200, removed, await removed.text())
  })

  it('describes what is answered about share links, also to somebody with limited rights', async () => {
    const app = await startApp()
    const call = caller(app.url)
    const password = 'correct horse battery'
    const cookieOf = (answer: Response) => ({ cookie: answer.headers.get('set-cookie')?.split(';')[0] ?? '' })
    const admin = cookieOf(await call('POST', '/api/first-account', {}, { name: 'admin', password }))
    await call('POST', '/api/accounts', admin, { name: 'otto', role: 'operator', password, groups: ['Gates'] })
    const otto = cookieOf(await call('POST', '/api/session', {}, { name: 'otto', password }))
    const refused = await call('POST', '/api/shares', otto, { path: '/devices/gate-001' })
    expectDescribed('post', '/api/shares', 404, refused, await refused.text())
    const made = await call('POST', '/api/shares', otto, { path: '/' })
    const { id, secret } = z.object({ id: z.string(), secret: z.string() }).parse(await made.json())
    const opened = await call('POST', '/api/share-session', {}, { secret })
    expectDescribed('post', '/api/share-session', 200, opened, await opened.text())
    const removed = await call('DELETE', `/api/shares/${id}`, otto)
    expectDescribed('delete', '/api/shares/{shareId}', 200, removed, await removed.text())
    const moved = await call('PUT', '/api/groups/Doors', otto, {})
    expectDescribed('put', '/api/groups/{group}', 403, moved, await moved.text())
    await call('PUT', '/api/devices/gate-001', admin, { group: 'Gates' })
    for (const [deviceId, status] of [['gate-001', 403], ['gate-002', 404]] as const) {
      const answer = await call('PUT', `/api/devices/${deviceId}`, otto, { group: 'Doors' })
      expectDescribed('put', PROFILE, status, answer, await answer.text())
    }
  })

  it('describes what is answered about an account that comes from the provider', async () => {
    const { idp, app, admin } = await openProviderSite()
    idp.people.set('s-1', { preferred_username: 'vera', groups: ['watchers'] })
    const visitor = createVisitor()
    await signIn(visitor, app, 's-1')
    const headers = { cookie: `${SESSION}=${visitor.cookies(HOST).get(SESSION)}` }
    const asked = [
      ['put', '/api/account/password', 409, headers, { current: 'wrong', password: 'correct horse battery' }, '/api/account/password'],
      ['put', '/api/accounts/{name}', 409, admin, { role: 'admin' }, '/api/accounts/vera'],
      ['get', '/api/accounts', 200, admin, undefined, '/api/accounts'],
      ['get', '/api/session', 200, headers, undefined, '/api/session'],
      ['delete', '/api/session', 200, headers, undefined, '/api/session'],
    ] as const
    for (const [method, route, status, headers, body, path] of asked) {
      const response = await fetch(app.url + path, { method: method.toUpperCase(), headers, ...(body && { body: JSON.stringify(body) }) })
      expectDescribed(method, route, status, response, await response.text())
    }
  })

  function expectDescribed(method: string, route: string, status: number, response: Response, text: string) {
    expect(response.status, text.slice(0, 1_000)).toBe(status)
    const type = response.headers.get('content-type')?.split(';')[0] ?? ''
    const body: unknown = type === 'application/json' ? JSON.parse(text) : text
    const described = document.paths[route]?.[method]?.responses[status]
    if (text === '') return expect(described).not.toHaveProperty('content')
    expect(judge(['paths', route, method, 'responses', String(status), 'content', type, 'schema'], body)).toBeUndefined()
    const { data } = z.object({ error: z.object({ code: z.string() }) }).safeParse(body)
    if (data) expect(described?.description).toContain(`\`${data.error.code}\``)
  }

  it('describes no answer that was not seen', () => {
    const described = Object.entries(document.paths).flatMap(([route, methods]) => Object.entries(methods).flatMap(([method, { responses }]) => Object.keys(responses).map(status => `${status} ${method} ${route}`)))
    const seen = new Set([
      ...ANSWERS.map(([route, status]) => `${status} get ${route}`),
      ...CHANGES.map(([method, route, status]) => `${status} ${method} ${route}`),
      ...ACCOUNT_ANSWERS.map(({ method, route, status }) => `${status} ${method} ${route}`),
      '403 post /api/first-account',
      '429 post /api/first-account',
      '403 post /api/tokens',
      '200 delete /api/tokens/{tokenId}',
      '404 post /api/shares',
      '200 post /api/share-session',
      '200 delete /api/shares/{shareId}',
      '403 put /api/groups/{group}',
      `403 put ${PROFILE}`,
      `404 put ${PROFILE}`,
      '409 put /api/account/password',
      '304 get /api/devices',
      '429 get /api/sensors',
      `429 get ${DEVICE}`,
      '429 get /api/events',
      `304 get ${PROFILE}/picture`,
    ])
    expect(described.filter(answer => !answer.startsWith('default ') && !seen.has(answer))).toEqual([])
  })

  it('describes every other error', async () => {
    for (const [route, methods] of Object.entries(document.paths)) {
      const [method = ''] = Object.keys(methods)
      const answer = await fetch(`${sites.get('well')?.url}${route.replace('{deviceId}', 'gate-001').replace('{group}', 'Gates')}`, { method: 'PATCH' })
      expect(judge(['paths', route, method, 'responses', 'default', 'content', 'application/json', 'schema'], await answer.json())).toBeUndefined()
    }
  })
})

/** The whole body, or how it begins where it has no end. */
async function textOf(response: Response): Promise<string> {
  if (!response.headers.get('content-type')?.startsWith('text/event-stream')) return response.text()
  const reader = response.body?.getReader()
  const { value } = await reader?.read() ?? {}
  await reader?.cancel()
  return new TextDecoder().decode(value)
}

describe('the AsyncAPI document', () => {
  async function startStream() {
    const app = await startApp()
    const { broker } = await app.untilBroker('connected')
    const device = await connectDevice(broker.url, { protocolVersion: 4 })
    const document = AsyncApiSchema.parse(await app.get('/api/asyncapi.json'))
    const judge = createJudge(new Ajv({ strict: false, allErrors: true }), document)
    return { app, device, document, judgeMessage: (name: string, payload: unknown) => judge(['components', 'messages', name, 'payload'], payload) }
  }

  it('describes every frame of the event stream', async () => {
    const { app, device, document, judgeMessage } = await startStream()
    const nameOf = new Map(Object.entries(document.components.messages).map(([name, { examples }]) => [FrameSchema.safeParse(examples[0].payload).data?.type, name]))
    const frames: z.infer<typeof FrameSchema>[] = []
    const socket = new WebSocket(`${app.url.replace('http', 'ws')}${document.channels.events?.address}`)
    socket.addEventListener('message', ({ data }) => frames.push(FrameSchema.parse(JSON.parse(String(data)))))
    socket.addEventListener('open', () => {
      socket.send(JSON.stringify(document.components.messages.StreamRequest?.examples[0].payload))
      socket.send('hello')
    })
    await until(() => frames.length > 0, 'the snapshot')
    await device.publishAsync('sensors/gate-001/telemetry', '{"ts":"2099-01-01T00:00:00Z","metrics":{"tempC":21.3}}', { qos: 1 })
    await device.publishAsync('sensors/gate-001/state', '{"status":"open","updated_at":"2025-11-02T12:00:00Z"}', { qos: 1 })
    await device.publishAsync('sensors/gate-001/state', '', { qos: 1 })

    // Before the first message came there is no past.
    await until(() => frames.some(({ type }) => type === 'telemetry'), 'the message')
    const replay = new WebSocket(`${app.url.replace('http', 'ws')}${document.channels.events?.address}?at=${new Date().toISOString()}`)
    replay.addEventListener('message', ({ data }) => frames.push(FrameSchema.parse(JSON.parse(String(data)))))
    const types = ['snapshot', 'telemetry', 'state', 'broker', 'clock', 'pong', 'error']
    await expect.poll(() => types.filter(type => !frames.some(frame => frame.type === type)), { timeout: 60_000 }).toEqual([])
    for (const frame of frames) expect(judgeMessage(nameOf.get(frame.type) ?? '', frame)).toBeUndefined()
    socket.close()
    replay.close()
  })

  it('describes what the application says of itself at the broker', async () => {
    const { device, document, judgeMessage } = await startStream()
    const said = new Promise<string>(resolve => device.on('message', (_topic, payload) => resolve(payload.toString())))
    await device.subscribeAsync(document.channels.status?.address ?? '')
    expect(judgeMessage('ApplicationStatus', await said)).toBeUndefined()
  })
})

/** Tells a route that is described, but answers like one that does not exist, while it is on the list. */
function isNotBuilt(route: string, status: number, text: string): boolean {
  return NOT_BUILT_YET.includes(route) && status === 404 && text.includes('"not-found"')
}
