import { readdirSync } from 'node:fs'
import { request } from 'node:http'
import { ErrorAnswerSchema } from '#shared/schemas/error'
import type { RefusalReason } from '#shared/schemas/refusal'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ROUTES } from '../../server/documents/routes'
import { connectRaw, request as raw, UPGRADE } from '../unit/server/http/support'
import { launchApp, startApp } from './support/app'
import type { App, Env } from './support/app'
import { closeBrowser, openPage, untilAlive } from './support/browser'
import { connectDevice } from './support/broker'
import { findBrowser } from './support/dependencies'
import { connectStream } from './support/stream'
import { until } from './support/until'

const browser = await findBrowser().catch(() => undefined)
afterAll(closeBrowser)

/** `devices/[deviceId].vue` -> `/devices/x` */
const PAGES = readdirSync('pages', { recursive: true, encoding: 'utf8' }).filter(file => file.endsWith('.vue'))
  .map(file => `/${file.replaceAll('\\', '/').replace(/(?:^|\/)index\.vue$|\.vue$/, '').replaceAll(/\[.*?\]/g, 'x')}`)
const ASSETS = ['/sw.js', '/offline.html', '/offline.js', '/manifest.webmanifest', '/icons/192.png']
const OTHERS = ['/favicon.ico', '/%zz', '/_nuxt/none.js', '/api/none', '/no/such.json']
const API = ROUTES.map(({ method, path }) => [method.toUpperCase(), path.replaceAll(/\{\w+\}/g, 'nobody')] as const)

/** What every answer tells the browser. */
function expectHardened(headers: Headers, what: string) {
  expect(headers.get('content-security-policy'), what).toMatch(/^default-src 'none'/)
  expect(headers.get('x-content-type-options'), what).toBe('nosniff')
  expect(headers.get('referrer-policy'), what).toMatch(/^(?:same-origin|no-referrer)$/)
  expect(headers.get('permissions-policy'), what).toContain('camera=()')
  expect(headers.get('cross-origin-resource-policy'), what).toBe('same-origin')
  expect(headers.get('strict-transport-security'), what).toBeNull()
  expect(headers.get('x-powered-by'), what).toBeNull()
}

/** The policy of a page, by directive. */
function policyOf(headers: Headers): Map<string, string> {
  const directives = (headers.get('content-security-policy') ?? '').split('; ')
  return new Map(directives.map((directive) => {
    const [name = '', ...sources] = directive.split(' ')
    return [name, sources.join(' ')]
  }))
}

const askPage = (app: App, path: string) => fetch(app.url + path, { headers: { accept: 'text/html' } })

describe('every answer', () => {
  let app: App
  beforeAll(async () => { app = await launchApp() })
  afterAll(() => app.stop())

  it.each(API)('of %s %s tells browsers what they may do with it', async (method, path) => {
    const response = await fetch(app.url + path, { method })
    await response.body?.cancel()
    expectHardened(response.headers, path)
    if (!path.endsWith('/picture')) expect(policyOf(response.headers).get('frame-ancestors')).toBe('\'none\'')
  })

  it.each([...ASSETS, ...OTHERS])('for %s as well', async (path) => {
    const response = await fetch(app.url + path)
    await response.body?.cancel()
    expectHardened(response.headers, path)
  })

  it.each([...PAGES, '/no-such-page', '/%zz'])('for the page %s lets no script run that is not ours', async (path) => {
    const [first, second] = [await askPage(app, path), await askPage(app, path)]
    expectHardened(first.headers, path)
    const policy = policyOf(first.headers)
    const [, nonce = ''] = /^'self' 'nonce-([\w+/]{22}==)'$/.exec(policy.get('script-src') ?? '') ?? []
    expect(nonce).not.toBe('')
    expect(Object.fromEntries(policy)).toMatchObject({ 'object-src': '\'none\'', 'base-uri': '\'none\'', 'form-action': '\'self\'', 'frame-ancestors': '\'none\'' })
    expect(policy.get('connect-src')).toBe(`'self' ws://127.0.0.1:${app.port} wss://127.0.0.1:${app.port}`)
    const html = await first.text()
    const tags = html.match(/<script\b[^>]*>/g) ?? []
    expect(tags.length).toBeGreaterThan(3)
    expect(tags.filter(tag => !tag.includes(` nonce="${nonce}"`))).toEqual([])
    expect(html).not.toMatch(/\son\w+="/)
    expect(policyOf(second.headers).get('script-src')).not.toBe(policy.get('script-src'))
  })

  it('has no insides of the server', async () => {
    for (const path of ['/no-such-page', '/%zz', '/%00', '/api/none', '/_nuxt/none.js', '/__nuxt_error?statusCode=500&message=x', `/${'x'.repeat(5_000)}`]) {
      for (const accept of ['text/html', 'application/json']) {
        const response = await fetch(app.url + path, { headers: { accept } })
        const text = await response.text()
        expect(response.status, path).toBe(404)
        expect(text, path).not.toMatch(/"stack"|node_modules|\.output|\.mjs|at \w+ \(/)
        if (accept === 'application/json') expect(ErrorAnswerSchema.parse(JSON.parse(text)).error.code).toBe('not-found')
      }
    }
  })
})

/** What a proxy passes on would have to sign in, once there is an account; here there is none. */
const PROXIED = { NUXT_ACCOUNTS_OPEN: 'true' }

describe('settings of the shell', () => {
  it('let others show the pages in a frame', async () => {
    const app = await startApp({ NUXT_SECURITY_FRAME_ANCESTORS: 'self, https://intranet.example' })
    expect(policyOf((await askPage(app, '/')).headers).get('frame-ancestors')).toBe('\'self\' https://intranet.example')
  })

  it('give it a name, and believe a proxy', async () => {
    const app = await startApp({ ...PROXIED, NUXT_SECURITY_HOSTS: 'leitstand.example', NUXT_SECURITY_TRUSTED_PROXIES: 'loopback' })
    const headers = await headersOf(app, { 'host': 'upstream', 'x-forwarded-host': 'leitstand.example', 'x-forwarded-proto': 'https', 'accept': 'text/html' })
    expect(headers).toMatchObject({
      'strict-transport-security': expect.stringMatching(/^max-age=\d{8}$/),
      'cross-origin-opener-policy': 'same-origin',
      'content-security-policy': expect.stringContaining('connect-src \'self\' wss://leitstand.example;'),
    })
  })

  it('count stream clients by the address that a trusted proxy names', async () => {
    const env: Env = { ...PROXIED, NUXT_LIMITS_STREAM_CLIENTS_PER_ADDRESS: '1', NUXT_SECURITY_TRUSTED_PROXIES: 'loopback' }
    const app = await startApp(env)
    const open = (address: string) => connectRaw(app.port, raw('/ws/events', { ...UPGRADE, 'X-Forwarded-For': address }))
    await open('203.0.113.1')
    await open('203.0.113.2')
    await until(async () => (await app.health()).streamClients === 2 || undefined, 'two clients')
    const third = await open('203.0.113.1')
    await until(async () => (await app.health()).refused['streams-too-many'], 'the refusal')
    third.socket.destroy()
    expect((await app.health()).streamClients).toBe(2)
  })
})

/** The headers of an answer to a request whose `Host` is chosen. */
function headersOf(app: App, headers: Record<string, string>, path = '/') {
  return new Promise((resolve, reject) => {
    request(app.url + path, { headers }, (response) => {
      response.resume()
      resolve(response.headers)
    }).on('error', reject).end()
  })
}

interface Attack { reason: RefusalReason, run: (app: App) => Promise<unknown>, env?: Env, times?: number }

const ATTACKS: Record<string, Attack> = {
  'DNS rebinding': { reason: 'host-foreign', run: async app => (await connectRaw(app.port, raw('/api/sensors', { Host: 'evil.example', Connection: 'close' }))).ended },
  'cross-site request forgery': { reason: 'origin-foreign', run: app => fetch(`${app.url}/api/devices/tor-1`, { method: 'DELETE', headers: { origin: 'https://evil.example' } }) },
  'cross-site WebSocket hijacking': { reason: 'origin-foreign', run: async app => (await connectRaw(app.port, raw('/ws/events', { ...UPGRADE, Origin: 'https://evil.example' }))).ended },
  'a socket on another path': { reason: 'upgrade-foreign', run: async app => (await connectRaw(app.port, raw('/_nuxt/', UPGRADE))).ended },
  'a flood of headers': { reason: 'headers-too-large', run: async app => (await connectRaw(app.port, raw('/', Object.fromEntries(Array.from({ length: 1_000 }, (_, n) => [`X-${n}`, 'x'.repeat(20)]))))).ended },
  'headers that never end': { reason: 'request-too-slow', env: { NUXT_LIMITS_HEADER_SECONDS: '1' }, run: async app => (await connectRaw(app.port, 'GET / HTTP/1.1\r\nHost: localhost\r\n')).ended },
  'a body that never ends': { reason: 'request-too-slow', env: { NUXT_LIMITS_REQUEST_SECONDS: '2' }, run: async app => (await connectRaw(app.port, `${raw('/api/devices/tor-1', { 'Content-Length': '100' }, 'PUT')}{`)).ended },
  'a body that is too large': { reason: 'body-too-large', run: app => fetch(`${app.url}/api/devices/tor-1`, { method: 'PUT', body: ' '.repeat(2_000_000) }) },
  'a body that is too large and does not say so': { reason: 'body-too-large', run: sendChunks },
  'no HTTP at all': { reason: 'request-malformed', run: async app => (await connectRaw(app.port, 'EHLO evil.example\r\n\r\n')).ended },
  'a frame that is too large': { reason: 'frame-too-large', run: async (app) => {
    const stream = await connectStream(app.url)
    stream.send('x'.repeat(70_000))
    await stream.closed
  } },
  'a flood of frames': { reason: 'frames-too-many', run: async (app) => {
    const stream = await connectStream(app.url)
    for (let n = 0; n < 1_000; n++) stream.send('{"type":"ping"}')
    await stream.closed
  } },
  'a flood of pings': { reason: 'frames-too-many', run: async (app) => {
    const client = await connectRaw(app.port, raw('/ws/events', UPGRADE))
    // A masked ping without content.
    client.socket.write(Buffer.from('898000000000'.repeat(1_000), 'hex'))
    await client.ended
  } },
  'more connections than are allowed': { reason: 'connections-too-many', env: { NUXT_LIMITS_CONNECTIONS: '10' }, run: async (app) => {
    const idle = await Promise.all(Array.from({ length: 20 }, () => connectRaw(app.port)))
    await Promise.any(idle.map(({ ended }) => ended))
    for (const { socket } of idle) socket.destroy()
    await Promise.all(idle.map(({ ended }) => ended))
  } },
}

/** A body in chunks, as large as it takes until the answer comes. */
async function sendChunks(app: App) {
  const client = await connectRaw(app.port, raw('/api/devices/tor-1', { 'Transfer-Encoding': 'chunked' }, 'PUT'))
  const chunk = `10000\r\n${' '.repeat(65_536)}\r\n`
  const answer = new Promise<string>(resolve => client.socket.once('data', text => resolve(String(text))))
  for (let n = 0; n < 40; n++) client.send(chunk)
  expect(await answer).toMatch(/^HTTP\/1\.1 413 /)
}

describe('an attack', () => {
  it.each(Object.entries(ATTACKS))('by %s is refused and counted, and a good client goes on', async (_, { reason, run, env = {} }) => {
    const app = await startApp(env)
    const { broker } = await app.untilBroker('connected')
    const device = await connectDevice(broker.url, { protocolVersion: 4 })
    const good = await connectStream(app.url)
    await good.next('snapshot')
    await run(app)
    const { refused } = await until(async () => {
      const health = await app.health().catch(() => undefined)
      return health?.refused[reason] ? health : undefined
    }, `${reason} to be counted`)
    expect(Object.keys(refused)).toEqual([reason])
    await device.publishAsync('sensors/tor-1/telemetry', '{"metrics":{"tempC":1}}', { qos: 1 })
    await good.next('telemetry')
    expect(app.output()).not.toMatch(/unhandled|uncaught|\n\s+at /i)
    expect(app.output().match(/Refused \(/g)).toHaveLength(1)
  })
})

describe.skipIf(!browser)('in a browser', () => {
  let app: App
  beforeAll(async () => {
    app = await launchApp()
    await app.untilBroker('connected')
  })
  afterAll(() => app.stop())

  it.each(PAGES)('the page %s runs under its policy, and refuses what is brought in', async (path) => {
    const page = await openPage(app.url + path)
    await untilAlive(page)
    await page.waitForLoadState('networkidle')
    await page.evaluate('navigator.serviceWorker.ready.then(() => {})')
  })

  it('a script that somebody has brought into the page does not run', async () => {
    const page = await openPage(app.url, {}, false, /Content Security Policy/)
    // Zod asks whether it may make code of text, and is told that it may not.
    const ran = await page.evaluate(`new Promise((resolve) => {
      document.addEventListener('securitypolicyviolation', ({ violatedDirective, blockedURI }) => blockedURI === 'eval' || resolve(violatedDirective))
      window.brought = () => resolve('it ran')
      document.body.insertAdjacentHTML('beforeend', '<img src="data:," onerror="brought()">')
    })`)
    expect(ran).toBe('script-src-attr')
  })
})
