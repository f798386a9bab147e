import { readdirSync } from 'node:fs'
import mqtt from 'mqtt'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { launchApp } from './support/app'
import type { App } from './support/app'
import { closeBrowser, openPage, untilAlive } from './support/browser'
import { findBrowser } from './support/dependencies'
import { observe, scriptsWithoutNonce } from './support/observatory'
import type { Seen } from './support/observatory'

const NAME = 'leitstand.example'
const PASSWORD = 'correct horse battery'
/** What a proxy says that ends TLS. */
const BEHIND_TLS = { 'x-forwarded-proto': 'https', 'x-forwarded-host': NAME, 'x-forwarded-for': '203.0.113.7' }
const JSON_HEADERS = { 'content-type': 'application/json' }
const browser = await findBrowser().catch(() => undefined)

let app: App
let session: string
beforeAll(async () => {
  app = await launchApp({ NUXT_SECURITY_HOSTS: NAME, NUXT_SECURITY_TRUSTED_PROXIES: 'loopback' })
  const { broker } = await app.untilBroker('connected')
  const device = await mqtt.connectAsync(broker.url)
  await device.publishAsync('sensors/tor-1/telemetry', '{"metrics":{"tempC":1}}', { qos: 1 })
  await device.endAsync()
  const first = await fetch(`${app.url}/api/first-account`, { method: 'POST', headers: JSON_HEADERS, body: JSON.stringify({ name: 'admin', password: PASSWORD }) })
  session = first.headers.get('set-cookie')?.split(';')[0] ?? ''
})
afterAll(async () => {
  await app.stop()
  await closeBrowser()
})

async function see(path: string, headers: Record<string, string> = {}, init: RequestInit = {}): Promise<Seen & { status: number }> {
  const answer = await fetch(app.url + path, { redirect: 'manual', ...init, headers: { accept: 'text/html', ...BEHIND_TLS, ...headers } })
  return { url: new URL(path, `https://${NAME}`), headers: answer.headers, html: await answer.text(), status: answer.status }
}

/** Every page that there is, and every one that a page links to. */
async function crawl(): Promise<Map<string, Seen>> {
  const files = readdirSync('pages', { recursive: true, encoding: 'utf8' }).filter(file => file.endsWith('.vue'))
  const waiting = files.map(file => `/${file.replaceAll('\\', '/').replace(/(?:^|\/)index\.vue$|\.vue$/, '').replaceAll(/\[.*?\]/g, 'tor-1')}`)
  const seen = new Map<string, Seen>()
  for (let path = waiting.shift(); path !== undefined; path = waiting.shift()) {
    if (seen.has(path)) continue
    const page = await see(path, { cookie: session })
    seen.set(path, page)
    for (const [, href = ''] of page.html.matchAll(/<a\b[^>]*\shref="(\/[^"#]*)"/g)) {
      if (!href.startsWith('/api/')) waiting.push(href.replaceAll('&amp;', '&'))
    }
  }
  return seen
}

describe('behind TLS, by the rules of the HTTP Observatory', () => {
  it('no page has a finding, nor a script without a nonce', async () => {
    const pages = await crawl()
    expect(pages.size).toBeGreaterThan(12)
    expect([...pages.keys()]).toContain('/devices/tor-1')
    for (const [path, page] of pages) {
      expect(observe(page), path).toEqual([])
      expect(scriptsWithoutNonce(page), path).toEqual([])
    }
  })

  it.each(['/', '/login', '/devices/tor-1', '/no-such-page', '/sw.js', '/manifest.webmanifest'])('nor has %s for somebody who has not signed in, in any language', async (path) => {
    for (const language of ['de', 'en', 'xx']) expect(observe(await see(path, { 'accept-language': language })), path).toEqual([])
  })

  it('nor has any answer of the API, nor the one that hands out a session', async () => {
    for (const path of ['/api/session', '/api/sensors', '/api/health', '/api/openapi.json', '/api/none']) expect(observe(await see(path, { cookie: session })), path).toEqual([])
    const entered = await see('/api/session', JSON_HEADERS, { method: 'POST', body: JSON.stringify({ name: 'admin', password: PASSWORD }) })
    expect(entered.headers.getSetCookie()).toHaveLength(1)
    expect(observe(entered)).toEqual([])
  })

  it.skipIf(!browser)('nor does a page bring in a script without a nonce once it is alive', async () => {
    const [name = '', value = ''] = session.split('=')
    const page = await openPage(app.url, { storageState: { cookies: [{ name, value, domain: new URL(app.url).hostname, path: '/', expires: -1, httpOnly: true, secure: false, sameSite: 'Lax' }], origins: [] } })
    for (const path of ['/', '/devices/tor-1', '/wall', '/topics', '/doctor', '/rejections', '/storage', '/configuration', '/account', '/accounts', '/audit']) {
      await page.goto(app.url + path)
      await untilAlive(page)
      await page.waitForLoadState('networkidle')
      expect(await page.evaluate('[...document.scripts].filter(({ nonce }) => !nonce).map(({ outerHTML }) => outerHTML.slice(0, 200))'), path).toEqual([])
    }
  })
})

describe('the rules', () => {
  const good = { 'content-security-policy': 'default-src \'none\'; script-src \'nonce-abc\'; base-uri \'none\'; form-action \'self\'; frame-ancestors \'none\'', 'strict-transport-security': 'max-age=15768000',
    'referrer-policy': 'same-origin', 'x-content-type-options': 'nosniff', 'cross-origin-resource-policy': 'same-origin' }
  const judge = (headers: Record<string, string>, html = '') => observe({ url: new URL('https://leitstand.example/'), headers: new Headers({ ...good, ...headers }), html }).map(({ rule }) => rule)

  it.each<[string, Record<string, string>, string?]>([
    ['content-security-policy', { 'content-security-policy': `${good['content-security-policy']}; connect-src ws://leitstand.example` }],
    ['content-security-policy', { 'content-security-policy': good['content-security-policy'].replace('\'nonce-abc\'', '\'unsafe-inline\'') }],
    ['content-security-policy', { 'content-security-policy': good['content-security-policy'].replace('\'nonce-abc\'', '\'nonce-abc\' \'unsafe-eval\'') }],
    ['content-security-policy', { 'content-security-policy': good['content-security-policy'].replace('base-uri \'none\'', 'base-uri *') }],
    ['x-frame-options', { 'content-security-policy': good['content-security-policy'].replace('frame-ancestors \'none\'', 'x y') }],
    ['strict-transport-security', { 'strict-transport-security': 'max-age=3600' }],
    ['referrer-policy', { 'referrer-policy': 'unsafe-url' }],
    ['x-content-type-options', { 'x-content-type-options': '' }],
    ['cross-origin-resource-policy', { 'cross-origin-resource-policy': 'cross-origin' }],
    ['cross-origin-resource-sharing', { 'access-control-allow-origin': '*' }],
    ['redirection', { location: 'http://leitstand.example/login' }],
    ['cookies', { 'set-cookie': 'leitstand-session=x; HttpOnly; SameSite=Lax' }],
    ['subresource-integrity', {}, '<script src="https://elsewhere.example/x.js"></script>'],
  ])('find what is wrong with %s', (rule, headers, html) => {
    expect(judge({})).toEqual([])
    expect([...new Set(judge(headers, html))]).toEqual([rule])
  })
})
