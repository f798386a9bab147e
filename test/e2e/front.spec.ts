// What lies between browsers and the application: a real nginx, with the documented lines and with those that people write instead.
import { once } from 'node:events'
import { createServer } from 'node:net'
import { afterAll, describe, expect, it, onTestFinished } from 'vitest'
import WebSocket from 'ws'
import { startApp } from './support/app'
import type { App, Env } from './support/app'
import { closeBrowser, openPage, untilAlive } from './support/browser'
import { connectDevice, startMosquitto } from './support/broker'
import { findBrowser, mosquitto } from './support/dependencies'
import { documentedBlock, nginx, startFront } from './support/front'
import { openSite, sessionOf, signIn } from './support/oidc-site'
import { until } from './support/until'
import { createVisitor } from './support/visitor'

const browser = await findBrowser().catch(() => undefined)

const TRUSTED = { NUXT_SECURITY_TRUSTED_PROXIES: 'loopback', NUXT_ACCOUNTS_OPEN: 'true' }

afterAll(closeBrowser)

async function startSite(env: Env = {}, broker?: string) {
  return startApp({ ...TRUSTED, ...(broker && { NUXT_MQTT_URL: broker }), ...env })
}

/** The status of an upgrade, 101 when it is open. */
async function upgrade(url: string, origin = url): Promise<number> {
  const socket = new WebSocket(`${url.replace('http', 'ws')}/ws/events`, { origin: new URL(origin).origin })
  socket.on('error', () => {})
  return new Promise((resolve) => {
    socket.once('open', () => {
      socket.terminate()
      resolve(101)
    })
    socket.once('unexpected-response', (request, answer) => {
      request.destroy()
      resolve(answer.statusCode ?? 0)
    })
  })
}

async function change(url: string, headers: Record<string, string> = {}): Promise<number> {
  const answer = await fetch(`${url}/api/devices/door-1`, { method: 'PUT', headers: { 'origin': new URL(url).origin, 'content-type': 'application/json', ...headers }, body: '{"name":"Door"}' })
  return answer.status
}

const isRefused = (status: number) => status === 403

describe.skipIf(!nginx)('behind nginx on any port', () => {
  it('streams and takes changes with the documented block', async () => {
    const app = await startSite()
    const { url } = await startFront(documentedBlock(app.port))
    expect((await fetch(url)).status).toBe(200)
    expect(await upgrade(url)).toBe(101)
    expect(isRefused(await change(url))).toBe(false)
    expect(isRefused(await change(url, { origin: 'http://127.0.0.1:1' }))).toBe(true)
  })

  it.each([
    ['X-Forwarded-Port beside a name alone', 'proxy_set_header Host $host; proxy_set_header X-Forwarded-Port $server_port;'],
    ['X-Forwarded-Host with its port', 'proxy_set_header X-Forwarded-Host $http_host;'],
    ['X-Forwarded-Host and X-Forwarded-Port', 'proxy_set_header X-Forwarded-Host $host; proxy_set_header X-Forwarded-Port $server_port;'],
    ['Host with its port, X-Forwarded-Host without', 'proxy_set_header Host $http_host; proxy_set_header X-Forwarded-Host $host;'],
  ])('understands %s', async (_, lines) => {
    const app = await startSite()
    const { url } = await startFront(documentedBlock(app.port).replace('proxy_set_header Host $http_host;', lines))
    expect(await upgrade(url)).toBe(101)
    expect(isRefused(await change(url))).toBe(false)
    expect(isRefused(await change(url, { origin: 'http://127.0.0.1:1' }))).toBe(true)
  })

  it('takes the browser’s own word where the port is lost, and nobody else’s', async () => {
    const app = await startSite()
    const { url } = await startFront(documentedBlock(app.port).replace('$http_host', '$host'))
    expect(isRefused(await change(url, { 'sec-fetch-site': 'same-origin' }))).toBe(false)
    expect(isRefused(await change(url, { 'sec-fetch-site': 'same-site' }))).toBe(true)
    expect(isRefused(await change(url, { 'sec-fetch-site': 'same-origin', 'origin': 'http://elsewhere.example' }))).toBe(true)
    expect(isRefused(await change(url))).toBe(true)
  })
})

const BELOW = '/leitstand/'
const hereBelow = (app: App, strips: boolean) => documentedBlock(app.port).replace('location /', `location ${BELOW}`).replace(/(proxy_pass [^;]+?);/, strips ? '$1/;' : '$1;')

describe.skipIf(!nginx)('below a path', () => {
  it.each([['hands on as it came', false], ['takes away', true]])('that nginx %s, everything is there', async (_, strips) => {
    const app = await startSite({ NUXT_APP_BASE_URL: 'leitstand' })
    const { url } = await startFront(hereBelow(app, strips))
    const below = `${url}/leitstand`
    expect(app.url).toMatch(/\/leitstand$/)
    for (const path of ['/', '/topics', '/devices/door-1', '/manifest.webmanifest', '/sw.js', '/offline.html', '/icons/180.png', '/api/devices', '/api/openapi.json', '/api/asyncapi.json', '/metrics']) {
      expect([path, (await fetch(below + path)).status]).toEqual([path, 200])
    }
    expect(await upgrade(below)).toBe(101)
    expect(isRefused(await change(below))).toBe(false)
    const document: unknown = await (await fetch(`${below}/api/openapi.json`)).json()
    expect(document).toMatchObject({ servers: [{ url: '/leitstand' }] })
    expect(await (await fetch(`${below}/api/asyncapi.json`)).json()).toMatchObject({ servers: { web: { pathname: '/leitstand' } } })
    const html = await (await fetch(`${below}/`)).text()
    const outside = [...html.matchAll(/\s(?:href|src)="(\/[^"]*)"/g)].map(([, address]) => address).filter(address => !address?.startsWith(BELOW))
    expect(outside).toEqual([])
    // A health check of the container knows of no path.
    expect([200, 503]).toContain((await fetch(`http://127.0.0.1:${app.port}/api/health`)).status)
    expect((await fetch(`${below}/api/health`, { method: 'HEAD' })).ok).toBe(true)
  })

  it('leads to the page for signing in and back, with a cookie of that path', async () => {
    const app = await startSite({ NUXT_APP_BASE_URL: BELOW, NUXT_ACCOUNTS_OPEN: 'false' })
    const { url } = await startFront(hereBelow(app, false))
    const led = await fetch(`${url}/leitstand/topics?x=1`, { redirect: 'manual' })
    expect([led.status, led.headers.get('location')]).toEqual([302, '/leitstand/welcome'])
    const code = await until(() => /code ([\w-]+)/i.exec(app.output())?.[1], 'the code for the first account')
    const made = await fetch(`${url}/leitstand/api/first-account`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ name: 'anna', password: 'a long password here', code }) })
    expect(made.status).toBeLessThan(300)
    expect(made.headers.getSetCookie().join()).toContain('Path=/leitstand/')
    const asked = await fetch(`${url}/leitstand/topics?x=1`, { redirect: 'manual' })
    expect(asked.headers.get('location')).toBe(`/leitstand/login?to=${encodeURIComponent('/topics?x=1')}`)

    if (!browser) return
    const page = await openPage(`${url}/leitstand/topics`)
    await untilAlive(page)
    await page.fill('input[autocomplete="username"]', 'anna')
    await page.fill('input[type="password"]', 'a long password here')
    await page.click('button[type="submit"]')
    await page.waitForURL(`${url}/leitstand/topics`)
  })

  it('signs in at an identity provider and comes back below it', async () => {
    const { idp, app } = await openSite({ NUXT_APP_BASE_URL: BELOW })
    idp.people.set('s-1', { preferred_username: 'vera', groups: ['watchers'] })
    const visitor = createVisitor()
    const arrived = await signIn(visitor, app, 's-1')
    expect([arrived.url.href, arrived.status]).toEqual([`${app.url}/storage`, 200])
    expect(await sessionOf(visitor, app)).toMatchObject({ by: 'session', name: 'vera' })
  })

  it.skipIf(!browser || !mosquitto).each([[false], [true]])('pages work in a browser and ask for nothing outside of it (path taken away: %s)', async (strips) => {
    const broker = await startMosquitto()
    const app = await startSite({ NUXT_APP_BASE_URL: BELOW }, broker.url)
    await app.untilBroker('connected')
    const { url } = await startFront(hereBelow(app, strips))
    const device = await connectDevice(broker.url)
    const say = (tempC: number) => device.publishAsync('sensors/door-1/telemetry', JSON.stringify({ metrics: { tempC } }), { qos: 1 })
    await say(20)
    const page = await openPage(`${url}/leitstand/`)
    const asked: string[] = []
    page.on('request', request => asked.push(request.url()))
    page.on('websocket', socket => asked.push(socket.url().replace(/^ws/, 'http')))
    await page.reload()
    await untilAlive(page)
    await page.getByText('door-1').first().waitFor()
    await page.locator('[data-testid="connection-status"]').filter({ hasText: 'Live' }).first().waitFor()
    await page.getByRole('link', { name: 'door-1' }).first().click()
    await page.waitForURL(`${url}/leitstand/devices/door-1`)
    await say(31.5)
    await page.getByText('31.5').first().waitFor()
    await page.goto(`${url}/leitstand/topics`)
    await untilAlive(page)
    await page.getByText('sensors').first().waitFor()
    await page.evaluate('navigator.serviceWorker.ready.then(() => true)')
    const offline = await page.evaluate('caches.match(new URL("offline.html", location.origin + "/leitstand/")).then(answer => answer.text())')
    expect(offline).toContain(`<script src="${url}/leitstand/offline.js">`)
    expect((await fetch(`${url}/leitstand/sw.js`)).headers.get('cache-control')).toBe('no-cache')
    expect(asked.length).toBeGreaterThan(10)
    expect(asked.filter(address => !address.startsWith(`${url}${BELOW}`) && !address.startsWith('data:'))).toEqual([])
  })
})

describe.skipIf(!nginx || !browser || !mosquitto)('where WebSocket is blocked', () => {
  const BLOCKS: [string, (block: string) => string][] = [
    ['loses the upgrade', block => block.replace(/proxy_set_header (?:Upgrade|Connection) [^;]+;/g, '')],
    ['answers 400', block => `location /ws/ { return 400; } ${block}`],
    ['answers 403', block => `location /ws/ { return 403; } ${block}`],
    ['answers 502', block => `location /ws/ { return 502; } ${block}`],
  ]

  it.each(BLOCKS)('by a proxy that %s, pages go on by server-sent events and say so', async (_, change) => {
    const broker = await startMosquitto()
    const app = await startSite({}, broker.url)
    await app.untilBroker('connected')
    const { url } = await startFront(change(documentedBlock(app.port)))
    const device = await connectDevice(broker.url)
    const say = (tempC: number) => device.publishAsync('sensors/door-1/telemetry', JSON.stringify({ metrics: { tempC } }), { qos: 1 })
    await say(20)
    const page = await openPage(url, {}, false, /WebSocket connection to|status of (?:400|403|405|426|502)/)
    await page.locator('[data-testid="connection-by-events"]').first().waitFor()
    await page.locator('[data-testid="connection-status"]').filter({ hasText: 'Live' }).first().waitFor()
    expect(await page.locator('[data-testid="connection-banner"]').count()).toBe(0)
    await page.getByRole('link', { name: 'door-1' }).first().click()
    await say(31.5)
    await page.getByText('31.5').first().waitFor()
  })

  it('by a proxy that never answers, pages go on by server-sent events', async () => {
    const silent = createServer(() => {}).listen(0, '127.0.0.1')
    await once(silent, 'listening')
    onTestFinished(() => { silent.close() })
    const address = silent.address()
    const app = await startSite()
    // What asks by POST gets through: only the upgrade is swallowed.
    const { url } = await startFront(`location = /ws/events { error_page 418 = @silent; if ($http_upgrade) { return 418; } proxy_pass http://127.0.0.1:${app.port}; }
      location @silent { proxy_http_version 1.1; proxy_pass http://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}; } ${documentedBlock(app.port)}`)
    const page = await openPage(url, {}, false, /WebSocket connection to|status of 403/)
    await page.locator('[data-testid="connection-by-events"]').first().waitFor()
  })

  it('a WebSocket takes over again when it is let through, and nothing is lost', async () => {
    const broker = await startMosquitto()
    const app = await startSite({}, broker.url)
    await app.untilBroker('connected')
    const block = documentedBlock(app.port)
    const front = await startFront(`location /ws/ { return 502; } ${block}`)
    const device = await connectDevice(broker.url)
    await device.publishAsync('sensors/door-1/telemetry', '{"metrics":{"tempC":20}}', { qos: 1 })
    const page = await openPage(front.url, {}, true, /WebSocket connection to|status of 502|ERR_/)
    await page.locator('[data-testid="connection-by-events"]').first().waitFor()
    await front.again(block)
    await page.locator('[data-testid="connection-by-events"]').first().waitFor({ state: 'detached' })
    await device.publishAsync('sensors/door-1/telemetry', '{"metrics":{"tempC":31.5}}', { qos: 1 })
    await page.getByText('31.5').first().waitFor()
  })

  it('the past plays, pauses and jumps; single steps are not offered', async () => {
    const broker = await startMosquitto()
    const app = await startSite({}, broker.url)
    await app.untilBroker('connected')
    const { url } = await startFront(`location /ws/ { return 502; } ${documentedBlock(app.port)}`)
    const device = await connectDevice(broker.url)
    await device.publishAsync('sensors/door-1/telemetry', '{"metrics":{"tempC":20}}', { qos: 1 })
    await until(async () => (await app.health()).messages.received > 0 || undefined, 'the message')
    const at = new Date().toISOString()
    const page = await openPage(`${url}/?at=${encodeURIComponent(at)}`, {}, false, /WebSocket connection to|status of 502/)
    await page.locator('[data-testid="connection-by-events"]').first().waitFor()
    expect(await page.locator('[data-testid="past-step"]').isDisabled()).toBe(true)
    await page.locator('[data-testid="past-play"]').click()
    await page.locator('[data-testid="past-state"]').filter({ hasText: /playing|reached/ }).waitFor()
    await page.locator('[data-testid="past-leave"]').click()
    await page.locator('[data-testid="connection-status"]').filter({ hasText: 'Live' }).first().waitFor()
  })
})

describe.skipIf(!nginx || !browser)('a stream that is refused', () => {
  const REFUSED = /WebSocket connection to|status of (?:401|403|429|503)/

  it('because of the page’s address, says which headers and settings it is about', async () => {
    const app = await startSite()
    const { url } = await startFront(documentedBlock(app.port).replace('$http_host', '$host'))
    const page = await openPage(url, { locale: 'de-DE' }, false, REFUSED)
    // The browser's own word is enough for changes; of a socket it says nothing.
    await page.locator('[data-testid="connection-banner"]').filter({ hasText: 'NUXT_SECURITY_ORIGINS' }).filter({ hasText: '$http_host' }).waitFor()
    await page.locator('[data-testid="connection-by-events"]').first().waitFor()
  })

  it('to an address that is foreign, says so', async () => {
    const app = await startSite()
    const { url } = await startFront(documentedBlock(app.port).replace('$http_host', '127.0.0.1:1'))
    const page = await openPage(url, {}, false, REFUSED)
    await page.locator('[data-testid="connection-banner"]').filter({ hasText: 'NUXT_SECURITY_ORIGINS' }).filter({ hasText: '$http_host' }).waitFor()
  })

  it.each([[403, 'may not have the stream (403)'], [429, '(429)'], [401, '(401)']])('by a proxy with %i, says so', async (status, words) => {
    const app = await startSite()
    const { url } = await startFront(`location /ws/ { return ${status}; } location /api/events { return ${status}; } ${documentedBlock(app.port)}`)
    const page = await openPage(url, {}, false, REFUSED)
    await page.locator('[data-testid="connection-banner"]').filter({ hasText: words }).waitFor()
  })

  it('because there are too many viewers, says so', async () => {
    const app = await startSite({ NUXT_LIMITS_STREAM_CLIENTS: '1' })
    const { url } = await startFront(documentedBlock(app.port))
    const first = new WebSocket(`${app.url.replace('http', 'ws')}/ws/events`)
    await new Promise(resolve => first.once('message', resolve))
    const page = await openPage(url, {}, false, REFUSED)
    await page.locator('[data-testid="connection-banner"]').filter({ hasText: 'NUXT_LIMITS_STREAM_CLIENTS' }).waitFor()
    expect((await fetch(`${url}/api/events`)).status).toBe(503)
    first.terminate()
  })
})
