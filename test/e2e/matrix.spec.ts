// Every route and every frame of the streams, for everybody who may ask: what the table of rules says is what the built server does, and
// nobody is told of a device that they may not see.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import mqtt from 'mqtt'
import type { MqttClient } from 'mqtt'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { RULES, ruleOf } from '#shared/utils/access'
import type { RouteKey } from '#shared/utils/access'
import type { App } from './support/app'
import { caller, openSite } from './support/askers'
import type { Asker, Call } from './support/askers'
import { until } from './support/until'

const KEYS = Object.keys(RULES).filter((key): key is RouteKey => key in RULES)
const ASKERS = ['nobody', 'otherViewer', 'viewer', 'otherOperator', 'operator', 'admin', 'adminToken', 'otherToken', 'expiredToken', 'wrongToken', 'linkToOther', 'linkToOtherDevice', 'linkToAll']
/** What only whoever may see everything, or has a link to it, may hear of: names of the device, its label, where it is. */
const HIDDEN = { deviceId: 'north-1', name: 'Frostpforte', group: 'North', place: 'Eisfeld' }
const SECRETS = Object.values(HIDDEN)
const ABSENT = 'nobody-has-this-name'

/** Routes that come with Nuxt: scripts, translations, errors; `/**` are the pages. */
const FRAMEWORK = ['/__nuxt_error', '/_i18n/:hash/:locale/messages.json', '/__nuxt_island/**', '/**', '/api/**']

/** The handlers of the built server, as it has them itself: `get /api/sensors/{deviceId}`. */
function builtRoutes(): string[] {
  const folder = '.output/server/chunks/nitro'
  const source = readdirSync(folder).filter(name => name.endsWith('.mjs')).map(name => readFileSync(join(folder, name), 'utf8')).join('\n')
  const found = [...source.matchAll(/\{ route: '([^']*)', handler: \w+, lazy: \w+, middleware: (\w+), method: (?:"(\w+)"|undefined) \}/g)]
  return found.filter(([, route = '', isMiddleware]) => isMiddleware === 'false' && !FRAMEWORK.includes(route))
    .map(([, route = '', , method]) => `${method ?? (route.startsWith('/ws/') ? 'get' : 'any method')} ${route.replaceAll(/:(\w+)/g, '{$1}')}`)
}

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
    else if (method === 'get') expect(answer.status, text).toBe(200)
    else expect([401, 403], text).not.toContain(answer.status)
    if (!maySeeAll(asker)) for (const secret of SECRETS) expect(text + JSON.stringify([...answer.headers])).not.toContain(secret)
  })

  it('tells those who may see it of the device that others must not hear of', async () => {
    const tellers = routes.filter(key => key.startsWith('get ') && ruleOf(key).limited === 'theirs' && !['get /api/events', 'get /api/health', 'get /api/presence'].includes(key))
    const about = await Promise.all(tellers.map(async key => [key, (await (await call('GET', addressOf(key, true), askerOf('viewer').headers)).text())] as const))
    // Neither the figures of one device nor its picture name it.
    const nameless = ['get /api/devices/{deviceId}/picture', 'get /api/sensors/{deviceId}/export']
    expect(about.filter(([key, text]) => !nameless.includes(key) && !SECRETS.some(secret => text.includes(secret)))).toEqual([])
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

function maySeeAll(name: string): boolean {
  const { role, isLimited } = askerOf(name)
  return role !== null && (!isLimited || name === 'linkToAll')
}

/** The first of a stream, which has no end. */
async function beginningOf(answer: Response): Promise<string> {
  const { value } = await answer.body?.getReader().read() ?? {}
  return new TextDecoder().decode(value)
}
