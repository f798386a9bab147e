import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import WebSocket from 'ws'
import { AuditSchema, MadeTokenSchema } from '#shared/schemas/access'
import { isAllowed, RULES, ruleOf } from '#shared/api/access'
import type { Role, RouteKey } from '#shared/api/access'
import { launchApp, startApp } from './support/app'
import type { App } from './support/app'
import { axeViolations, closeBrowser, openPage, untilAlive } from './support/browser'
import { findBrowser } from './support/dependencies'

const PASSWORD = 'correct horse battery'
const browser = await findBrowser().catch(() => undefined)
afterAll(closeBrowser)

const JSON_HEADERS = { 'content-type': 'application/json' }

/** Signs in; the cookie to send along. */
async function signIn(app: App, name: string, headers: Record<string, string> = {}): Promise<string> {
  const answer = await fetch(`${app.url}/api/session`, { method: 'POST', headers: { ...JSON_HEADERS, ...headers }, body: JSON.stringify({ name, password: PASSWORD }) })
  expect(answer.status).toBe(200)
  return answer.headers.get('set-cookie')?.split(';')[0] ?? ''
}

async function makeAccounts(app: App): Promise<Record<Role, string>> {
  const first = await fetch(`${app.url}/api/first-account`, { method: 'POST', headers: JSON_HEADERS, body: JSON.stringify({ name: 'admin', password: PASSWORD }) })
  const admin = first.headers.get('set-cookie')?.split(';')[0] ?? ''
  for (const role of ['viewer', 'operator']) {
    const made = await fetch(`${app.url}/api/accounts`, { method: 'POST', headers: { ...JSON_HEADERS, cookie: admin }, body: JSON.stringify({ name: role, role, password: PASSWORD }) })
    expect(made.status).toBe(200)
  }
  return { admin, viewer: await signIn(app, 'viewer'), operator: await signIn(app, 'operator') }
}

async function makeToken(app: App, cookie: string, role: Role) {
  const answer = await fetch(`${app.url}/api/tokens`, { method: 'POST', headers: { ...JSON_HEADERS, cookie }, body: JSON.stringify({ name: 'a script', role, days: null }) })
  return MadeTokenSchema.parse(await answer.json())
}

/** The status of an upgrade (101 when it is made), and the socket. */
async function upgrade(app: App, headers: Record<string, string>): Promise<{ status: number, socket: WebSocket }> {
  const socket = new WebSocket(`${app.url.replace('http', 'ws')}/ws/events`, { headers })
  socket.on('error', () => {})
  const status = await new Promise<number>((resolve) => {
    socket.once('open', () => resolve(101))
    socket.once('unexpected-response', (_, answer) => resolve(answer.statusCode ?? 0))
  })
  onTestFinished(() => socket.terminate())
  return { status, socket }
}

const KEYS = Object.keys(RULES).filter((key): key is RouteKey => key in RULES)
/** Each asker's role, as the table sees it, and whether it has signed in with a password. */
const ASKERS = {
  nobody: { role: null, inPerson: false },
  viewer: { role: 'viewer', inPerson: true },
  operator: { role: 'operator', inPerson: true },
  admin: { role: 'admin', inPerson: true },
  viewerToken: { role: 'viewer', inPerson: false },
  adminToken: { role: 'admin', inPerson: false },
  wrongToken: { role: null, inPerson: false },
} as const satisfies Record<string, { role: Role | null, inPerson: boolean }>
type Asker = keyof typeof ASKERS
const isAsker = (name: string): name is Asker => name in ASKERS

describe('every route and every stream, for everybody', () => {
  let app: App
  let headers: Record<Asker, Record<string, string>>
  beforeAll(async () => {
    app = await launchApp()
    await app.untilBroker('connected')
    const cookies = await makeAccounts(app)
    const [viewerToken, adminToken] = [await makeToken(app, cookies.admin, 'viewer'), await makeToken(app, cookies.admin, 'admin')]
    headers = {
      nobody: {},
      viewer: { cookie: cookies.viewer },
      operator: { cookie: cookies.operator },
      admin: { cookie: cookies.admin },
      viewerToken: { authorization: `Bearer ${viewerToken.token}` },
      adminToken: { authorization: `Bearer ${adminToken.token}` },
      // Even with a good cookie beside it.
      wrongToken: { authorization: 'Bearer lst_wrong', cookie: cookies.admin },
    }
  })
  afterAll(() => app.stop())

  // A body that cannot be taken: whoever is let in gets no further than to be told so, and nobody is signed out for the next one.
  const harmless = KEYS.filter(key => !['delete /api/session', 'delete /api/account/sessions', 'post /api/doctor/examination'].includes(key))

  it.each(harmless.flatMap(key => Object.keys(ASKERS).filter(isAsker).map(asker => [key, asker] as const)))('%s by %s', async (key, asker) => {
    const { least, inPerson } = ruleOf(key)
    const { role, inPerson: isPerson } = ASKERS[asker]
    const expected = isAllowed(role, least) ? (!inPerson || isPerson ? 'in' : 403) : role === null ? 401 : 403
    const [method = '', path = ''] = key.split(' ')
    let status: number
    if (path.startsWith('/ws/')) ({ status } = await upgrade(app, headers[asker]))
    else {
      const controller = new AbortController()
      const answer = await fetch(app.url + path.replaceAll(/\{\w+\}/g, 'nobody-has-this-name'), { method: method.toUpperCase(), headers: headers[asker], signal: controller.signal, redirect: 'manual', ...(method !== 'get' && { body: 'no JSON' }) })
      status = answer.status
      controller.abort()
    }
    if (expected === 'in') expect([401, 403]).not.toContain(status)
    else expect(status).toBe(expected)
  })

  it('nothing that has no rule', async () => {
    for (const [asker, status] of [['nobody', 401], ['viewer', 404], ['admin', 404]] as const) {
      expect((await fetch(`${app.url}/api/new-route`, { headers: headers[asker] })).status).toBe(status)
    }
  })

  it('no token in the address', async () => {
    const token = headers.adminToken.authorization?.slice('Bearer '.length)
    expect((await fetch(`${app.url}/api/sensors?token=${token}&access_token=${token}`)).status).toBe(401)
  })
})

describe('while no account exists', () => {
  it('whoever is not at the machine is led to the first account, which takes the code', async () => {
    const app = await startApp()
    const far = { 'x-forwarded-for': '192.0.2.7' }
    expect((await fetch(`${app.url}/api/sensors`)).status).toBe(200)
    const refused = await fetch(`${app.url}/api/sensors`, { headers: far })
    expect(refused.status).toBe(403)
    expect(await refused.json()).toMatchObject({ error: { code: 'no-account-yet' } })
    expect(await (await fetch(`${app.url}/api/health`, { headers: far })).json()).toEqual({ status: expect.any(String) })
    expect((await fetch(`${app.url}/devices/x`, { headers: far, redirect: 'manual' })).headers.get('location')).toBe('/welcome')
    expect((await upgrade(app, far)).status).toBe(403)
    const make = (code: string) => fetch(`${app.url}/api/first-account`, { method: 'POST', headers: { ...JSON_HEADERS, ...far }, body: JSON.stringify({ name: 'admin', password: PASSWORD, code }) })
    expect((await make('AAAA-AAAA-AAAA')).status).toBe(403)
    const code = /with the code (\S+),/.exec(app.output())?.[1] ?? ''
    expect((await make(code)).status).toBe(200)
    expect((await fetch(`${app.url}/api/sensors`)).status).toBe(401)
  })

  it('everybody may enter where that is wanted, and still nobody makes an account without the code', async () => {
    const app = await startApp({ NUXT_ACCOUNTS_OPEN: 'true' })
    const far = { 'x-forwarded-for': '192.0.2.7' }
    expect((await fetch(`${app.url}/api/sensors`, { headers: far })).status).toBe(200)
    expect((await upgrade(app, far)).status).toBe(101)
    for (const path of ['accounts', 'first-account']) {
      const answer = await fetch(`${app.url}/api/${path}`, { method: 'POST', headers: { ...JSON_HEADERS, ...far }, body: JSON.stringify({ name: 'eve', password: PASSWORD, ...(path === 'accounts' && { role: 'admin' }) }) })
      expect(answer.status, path).toBe(403)
    }
  })
})

describe('a stream', () => {
  it('ends with its session, its token, and with the first account', async () => {
    const app = await startApp()
    const { socket: early } = await upgrade(app, {})
    const earlyEnd = once(early, 'close')
    const { admin, viewer } = await makeAccounts(app)
    expect((await earlyEnd)[0]).toBe(4401)

    const { socket } = await upgrade(app, { cookie: viewer })
    const ended = once(socket, 'close')
    await fetch(`${app.url}/api/account/sessions`, { method: 'DELETE', headers: { cookie: viewer } })
    expect((await ended)[0]).toBe(4401)
    expect((await upgrade(app, { cookie: viewer })).status).toBe(401)

    const { token, id } = await makeToken(app, admin, 'viewer')
    const events = await fetch(`${app.url}/api/events`, { headers: { authorization: `Bearer ${token}` } })
    expect(events.status).toBe(200)
    await fetch(`${app.url}/api/tokens/${id}`, { method: 'DELETE', headers: { cookie: admin } })
    await expect(events.text()).rejects.toThrow()
  })
})

describe('signing in', () => {
  it('hands out a cookie that no script reads, another one each time, and only over HTTPS where that is there', async () => {
    const app = await startApp({ NUXT_SECURITY_TRUSTED_PROXIES: 'loopback' })
    await makeAccounts(app)
    const ask = (headers: Record<string, string>) => fetch(`${app.url}/api/session`, { method: 'POST', headers: { ...JSON_HEADERS, ...headers }, body: JSON.stringify({ name: 'viewer', password: PASSWORD }) })
    const fixed = 'leitstand-session=chosen-by-somebody-else'
    const cookie = (await ask({ cookie: fixed })).headers.get('set-cookie') ?? ''
    expect(cookie).toMatch(/; HttpOnly; SameSite=Lax$/)
    expect(cookie).not.toContain('chosen-by-somebody-else')
    expect((await fetch(`${app.url}/api/sensors`, { headers: { cookie: fixed } })).status).toBe(401)
    expect((await ask({ 'x-forwarded-proto': 'https' })).headers.get('set-cookie')).toMatch(/; HttpOnly; Secure; SameSite=Lax$/)
    expect((await ask({ 'sec-fetch-site': 'cross-site' })).status).toBe(403)
  })

  it('is refused after five wrong passwords, and stands in the audit log, which has neither passwords nor unknown names', async () => {
    const app = await startApp()
    const { admin } = await makeAccounts(app)
    const wrong = (name: string) => fetch(`${app.url}/api/session`, { method: 'POST', headers: JSON_HEADERS, body: JSON.stringify({ name, password: 'a secret typed here' }) })
    await wrong('a secret typed there')
    for (let i = 0; i < 5; i++) expect((await wrong('viewer')).status).toBe(401)
    const refused = await wrong('viewer')
    expect(refused.status).toBe(429)
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(800)
    const audit = AuditSchema.parse(await (await fetch(`${app.url}/api/audit`, { headers: { cookie: admin } })).json())
    expect(audit.logins).toEqual({ failed: 6, refused: 1, provider: 0 })
    expect(audit.entries.filter(({ deed, status }) => deed === 'login' && status === 401).map(({ target }) => target)).toEqual([...Array.from({ length: 5 }, () => 'viewer'), null])
    expect(JSON.stringify(audit) + app.output()).not.toContain('a secret')
  })
})

describe('what is kept', () => {
  it('comes back after a restart; no secret stands in the files nor in the log; the command line opens the door', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'leitstand-accounts-'))
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
    const first = await startApp({ NUXT_DATA_DIR: folder })
    const { admin } = await makeAccounts(first)
    const { token } = await makeToken(first, admin, 'operator')
    await first.stop('SIGKILL')
    const again = await startApp({ NUXT_DATA_DIR: folder })
    expect((await fetch(`${again.url}/api/sensors`, { headers: { cookie: admin } })).status).toBe(200)
    expect((await fetch(`${again.url}/api/sensors`, { headers: { authorization: `Bearer ${token}` } })).status).toBe(200)

    const key = join(folder, 'admin.key')
    expect(statSync(key).mode & 0o777).toBe(0o600)
    const child = spawn(process.execPath, ['tools/admin.ts', 'password', 'viewer', '--data', folder, '--url', again.url], { stdio: ['pipe', 'pipe', 'inherit'] })
    child.stdin.end('another long password\n')
    expect((await once(child, 'exit'))[0]).toBe(0)
    const masterKey = readFileSync(key, 'utf8').trim()
    const passedOn = { 'authorization': `Bearer ${masterKey}`, 'x-forwarded-for': '192.0.2.7' }
    expect((await fetch(`${again.url}/api/accounts`, { headers: passedOn })).status).toBe(401)
    await again.stop()
    expect(existsSync(key)).toBe(false)

    const bytes = Buffer.concat([...readdirSync(folder).map(name => readFileSync(join(folder, name))), Buffer.from(first.output() + again.output())])
    for (const secret of [PASSWORD, 'another long password', token, masterKey, admin.split('=')[1] ?? '']) expect(bytes.includes(secret)).toBe(false)
  })
})

describe.skipIf(!browser)('the pages', () => {
  it('ask to sign in, lead back, offer what the role may, and ask again when the session has ended', async () => {
    const app = await startApp()
    const { admin } = await makeAccounts(app)
    const page = await openPage(`${app.url}/storage`, {}, true)
    await untilAlive(page)
    await page.getByLabel('Name').fill('viewer')
    await page.getByLabel('Password').fill(PASSWORD)
    await page.keyboard.press('Enter')
    await page.waitForURL(`${app.url}/storage`)
    await page.getByTestId('account-menu').waitFor()
    expect(await page.getByRole('link', { name: 'Accounts' }).count()).toBe(0)
    await page.goto(`${app.url}/configuration`)
    await page.getByTestId('registry-export').waitFor()
    expect(await page.getByText('Import').count()).toBe(0)
    await page.getByTestId('connection-status').first().filter({ hasText: 'Live' }).waitFor()
    await fetch(`${app.url}/api/accounts/viewer`, { method: 'PUT', headers: { ...JSON_HEADERS, cookie: admin }, body: JSON.stringify({ password: 'another long password' }) })
    await page.waitForURL('**/login?to=%2Fconfiguration')
  })

  it('make the first account on the machine itself, and are clean for axe in both languages', async () => {
    const app = await startApp()
    const page = await openPage(`${app.url}/welcome`)
    await untilAlive(page)
    expect(await axeViolations(page)).toEqual([])
    await page.getByLabel('Name').fill('admin')
    await page.getByTestId('new-password').fill(PASSWORD)
    await page.keyboard.press('Enter')
    await page.getByTestId('account-menu').waitFor()
    // Not the cookie that remembers the language.
    const cookies = (await page.context().cookies()).filter(({ name }) => name === 'leitstand-session')
    for (const look of [{ locale: 'en-GB', colorScheme: 'light' }, { locale: 'de-DE', colorScheme: 'dark' }] as const) {
      const seen = await openPage(`${app.url}/api/session`, { ...look, storageState: { cookies, origins: [] }, reducedMotion: 'reduce' })
      for (const path of ['/account', '/accounts', '/audit', '/login']) {
        await seen.goto(app.url + path)
        for (const width of [1440, 390]) {
          await seen.setViewportSize({ width, height: 900 })
          await seen.getByRole('heading').first().waitFor()
          await seen.waitForLoadState('networkidle')
          expect(await axeViolations(seen), `${path} at ${width}`).toEqual([])
          expect(await seen.evaluate(() => document.documentElement.scrollWidth), `${path} at ${width}`).toBeLessThanOrEqual(width)
        }
      }
      await seen.context().close()
    }
  }, 240_000)
})
