import { once } from 'node:events'
import { createServer } from 'node:net'
import type { Socket } from 'node:net'
import { afterAll, describe, expect, it, onTestFinished } from 'vitest'
import { AccountsSchema, AuditSchema, MadeTokenSchema, SessionSchema, SignedOutSchema } from '#shared/schemas/access'
import { startApp } from './support/app'
import type { App, Env } from './support/app'
import { freePort } from './support/broker'
import { axeViolations, closeBrowser, openPage } from './support/browser'
import { findBrowser } from './support/dependencies'
import { makeProvider, withProvider } from './support/provider'
import { createVisitor } from './support/visitor'
import type { Arrival, Visitor } from './support/visitor'

const PASSWORD = 'correct horse battery'
const JSON_HEADERS = { 'content-type': 'application/json' }
const HOST = '127.0.0.1'
const SESSION = 'leitstand-session'
const browser = await findBrowser().catch(() => undefined)
afterAll(closeBrowser)

/** A provider, an application whose people sign in there, and its first account, a local admin. */
async function openSite(env: Env = {}, more: Parameters<typeof makeProvider>[0] = {}) {
  const idp = await makeProvider(more)
  const app = await startApp(withProvider(idp, env))
  await idp.start(app.url)
  const first = await fetch(`${app.url}/api/first-account`, { method: 'POST', headers: JSON_HEADERS, body: JSON.stringify({ name: 'anna', password: PASSWORD }) })
  const admin = { ...JSON_HEADERS, cookie: first.headers.get('set-cookie')?.split(';')[0] ?? '' }
  return { idp, app, admin }
}

interface Way { to?: string, form?: Record<string, string>, until?: (url: URL) => boolean, headers?: Record<string, string> }

/** Begins to sign in, writes a subject on the provider's page where that asks, and goes on to where it leads. */
async function signIn(visitor: Visitor, app: App, subject: string, { to = '/storage', form = { subject }, until, headers = {} }: Way = {}): Promise<Arrival> {
  const asked = await visitor.go(`${app.url}/api/oidc/login?to=${encodeURIComponent(to)}`, { headers }, until)
  if (!asked.url.pathname.startsWith('/interaction/')) return asked
  return visitor.go(asked.url.href, { method: 'POST', body: new URLSearchParams(form), headers }, until)
}

const isCallback = (url: URL) => url.pathname === '/api/oidc/callback'

async function sessionOf(visitor: Visitor, app: App) {
  return SessionSchema.parse(JSON.parse((await visitor.go(`${app.url}/api/session`)).body))
}

async function auditOf(app: App, headers: Record<string, string>) {
  return AuditSchema.parse(await (await fetch(`${app.url}/api/audit`, { headers })).json())
}

async function accountsOf(app: App, headers: Record<string, string>) {
  return AccountsSchema.parse(await (await fetch(`${app.url}/api/accounts`, { headers })).json())
}

/** Nobody came in, and the page says why. */
async function expectFault(visitor: Visitor, app: App, arrived: Arrival, fault: string, sentence: string) {
  expect(arrived.url.pathname).toBe('/login')
  expect(arrived.url.searchParams.get('fault')).toBe(fault)
  expect(arrived.status).toBe(200)
  expect(arrived.body).toContain(sentence)
  expect(visitor.cookies(HOST).has(SESSION)).toBe(false)
  expect((await sessionOf(visitor, app)).by).toBe('nobody')
}

describe('signing in at the provider', () => {
  it('gives the role of the groups, another one at the next login', async () => {
    const { idp, app, admin } = await openSite()
    for (const [groups, role] of [[['watchers'], 'viewer'], [['other', 'leitstand operators'], 'operator'], [['watchers', 'admins'], 'admin'], ['watchers', 'viewer']] as const) {
      idp.people.set('s-1', { preferred_username: 'vera', groups })
      const visitor = createVisitor()
      const arrived = await signIn(visitor, app, 's-1')
      expect(arrived.url.href).toBe(`${app.url}/storage`)
      expect(arrived.status).toBe(200)
      expect(await sessionOf(visitor, app)).toMatchObject({ by: 'session', name: 'vera', role, isExternal: true, provider: 'Plant login' })
      expect((await visitor.go(`${app.url}/api/accounts`)).status).toBe(role === 'admin' ? 200 : 403)
    }
    expect(await accountsOf(app, admin)).toMatchObject([{ name: 'anna', issuer: null }, { name: 'vera', role: 'viewer', issuer: idp.issuer, isBarred: false, sessions: 4 }])
    const audit = await auditOf(app, admin)
    expect(audit.logins.provider).toBe(0)
    expect(audit.entries.filter(({ deed }) => deed === 'login-provider').map(({ who, status }) => [who, status])).toEqual(Array.from({ length: 4 }, () => ['vera', 302]))
  })

  it('takes groups from the ID token where they are, and asks the provider for the user where they are not', async () => {
    for (const conformIdTokenClaims of [false, true]) {
      const { idp, app } = await openSite({}, { conformIdTokenClaims })
      idp.people.set('s-1', { preferred_username: 'vera', groups: ['watchers'] })
      const visitor = createVisitor()
      await signIn(visitor, app, 's-1')
      expect(await sessionOf(visitor, app)).toMatchObject({ name: 'vera', role: 'viewer' })
      expect(idp.requests.includes('GET /me')).toBe(conformIdTokenClaims)
    }
  })

  it('asks with PKCE, state and nonce, each another one every time', async () => {
    const { idp, app } = await openSite()
    idp.people.set('s-1', { groups: 'watchers' })
    for (let i = 0; i < 2; i++) await signIn(createVisitor(), app, 's-1')
    const asked = idp.requests.filter(line => line.startsWith('GET /auth?')).map(line => new URL(line.slice('GET '.length), idp.issuer).searchParams)
    expect(asked).toHaveLength(2)
    for (const one of asked) {
      expect(Object.fromEntries(one)).toMatchObject({ response_type: 'code', code_challenge_method: 'S256', client_id: 'leitstand', redirect_uri: `${app.url}/api/oidc/callback`, scope: 'openid profile email' })
      for (const name of ['code_challenge', 'state', 'nonce']) expect(one.get(name), name).toMatch(/^[\w-]{43}$/)
    }
    for (const name of ['code_challenge', 'state', 'nonce']) expect(new Set(asked.map(one => one.get(name))).size, name).toBe(2)
  })

  it('hands out cookies that no script reads, a new session each time, and only over HTTPS where that is there', async () => {
    const { idp, app } = await openSite({ NUXT_SECURITY_TRUSTED_PROXIES: 'loopback' })
    idp.people.set('s-1', { groups: ['watchers'] })
    const visitor = createVisitor()
    visitor.cookies(HOST).set(SESSION, 'chosen-by-somebody-else')
    const { setCookies } = await signIn(visitor, app, 's-1')
    const session = setCookies.find(line => line.startsWith(`${SESSION}=`))
    expect(session).toMatch(/^leitstand-session=[\w-]{43}; Max-Age=\d+; Path=\/; HttpOnly; SameSite=Lax$/)
    expect(setCookies.find(line => line.startsWith('leitstand-oidc='))).toMatch(/^leitstand-oidc=; Max-Age=0; Path=\/api\/oidc; HttpOnly; SameSite=Lax$/)
    const again = await signIn(visitor, app, 's-1')
    expect(again.setCookies.find(line => line.startsWith(`${SESSION}=`))).not.toBe(session)

    const secure = await fetch(`${app.url}/api/oidc/login`, { redirect: 'manual', headers: { 'x-forwarded-proto': 'https', 'x-forwarded-host': 'leitstand.localhost' } })
    expect(secure.headers.get('set-cookie')).toMatch(/^leitstand-oidc=[\w-]{43}; Max-Age=600; Path=\/api\/oidc; HttpOnly; Secure; SameSite=Lax$/)
    expect(new URL(secure.headers.get('location') ?? '').searchParams.get('redirect_uri')).toBe('https://leitstand.localhost/api/oidc/callback')
    expect(secure.headers.get('cache-control')).toBe('no-store')
  })

  it('leads to pages of this site alone', async () => {
    const { idp, app } = await openSite()
    idp.people.set('s-1', { groups: ['watchers'] })
    const visitor = createVisitor()
    for (const [to, path] of [['/topics?q=a#b', '/topics?q=a#b'], ['//evil.example', '/'], ['https://evil.example/', '/'], ['/\t/evil.example', '/'], ['/.//evil.example', '/'], ['/\\evil.example', '/']] as const) {
      expect((await signIn(visitor, app, 's-1', { to })).url.href, to).toBe(app.url + path)
    }
  })

  it('works in several tabs of one browser at once', async () => {
    const { idp, app } = await openSite()
    idp.people.set('s-1', { groups: ['watchers'] })
    const visitor = createVisitor()
    await signIn(visitor, app, 's-1')
    const tabs = []
    for (const to of ['/topics', '/storage']) tabs.push((await signIn(visitor, app, 's-1', { to, until: isCallback })).url.href)
    for (const [i, to] of ['/topics', '/storage'].entries()) expect((await visitor.go(tabs[i] ?? '')).url.href).toBe(app.url + to)
    expect(visitor.cookies(HOST).has('leitstand-oidc')).toBe(false)
  })

  it('makes the first account only of an admin', async () => {
    const idp = await makeProvider()
    const app = await startApp(withProvider(idp))
    await idp.start(app.url)
    idp.people.set('s-1', { preferred_username: 'vera', groups: ['watchers'] })
    idp.people.set('s-2', { preferred_username: 'otto', groups: ['admins'] })
    const arrived = await signIn(createVisitor(), app, 's-1')
    expect(arrived.url.href).toBe(`${app.url}/welcome?fault=last-admin&to=/storage`)
    expect((await fetch(`${app.url}/api/sensors`)).status).toBe(200)
    const otto = createVisitor()
    await signIn(otto, app, 's-2')
    expect(await sessionOf(otto, app)).toMatchObject({ name: 'otto', role: 'admin' })
    expect((await fetch(`${app.url}/api/sensors`)).status).toBe(401)
  })
})

describe('somebody without a role', () => {
  it('is refused with a sentence in both languages', async () => {
    const { idp, app, admin } = await openSite()
    idp.people.set('s-1', { preferred_username: 'eve', groups: ['others'] })
    idp.people.set('s-2', { preferred_username: 'mallory' })
    for (const [subject, language, sentence] of [['s-1', 'en', 'none of your groups at the identity provider has a role here'], ['s-2', 'de', 'Keine Ihrer Gruppen beim Anmeldedienst hat hier eine Rolle']] as const) {
      const visitor = createVisitor()
      await expectFault(visitor, app, await signIn(visitor, app, subject, { headers: { 'accept-language': language } }), 'provider-no-role', sentence)
    }
    expect((await accountsOf(app, admin)).map(({ name }) => name)).toEqual(['anna'])
    const audit = await auditOf(app, admin)
    expect(audit.logins.provider).toBe(2)
    expect(audit.entries.filter(({ status }) => status === 403).map(({ deed, target, who }) => [deed, target, who])).toEqual([['login-provider', 'mallory', null], ['login-provider', 'eve', null]])
  })

  it('enters where there is a role for everybody', async () => {
    const { idp, app } = await openSite({ NUXT_OIDC_DEFAULT_ROLE: 'viewer' })
    idp.people.set('s-1', { preferred_username: 'eve', groups: ['others'] })
    const visitor = createVisitor()
    await signIn(visitor, app, 's-1')
    expect(await sessionOf(visitor, app)).toMatchObject({ name: 'eve', role: 'viewer' })
  })

  it('has nothing left of what it had before, and all of it again when the groups are back', async () => {
    const { idp, app, admin } = await openSite()
    idp.people.set('s-1', { preferred_username: 'vera', groups: ['admins'] })
    const before = createVisitor()
    await signIn(before, app, 's-1')
    const made = await before.go(`${app.url}/api/tokens`, { method: 'POST', headers: JSON_HEADERS, body: JSON.stringify({ name: 'a script', role: 'viewer', days: null }) })
    const authorization = `Bearer ${MadeTokenSchema.parse(JSON.parse(made.body)).token}`
    const byToken = async () => (await fetch(`${app.url}/api/sensors`, { headers: { authorization } })).status
    expect(await byToken()).toBe(200)

    idp.people.set('s-1', { preferred_username: 'vera', groups: [] })
    await signIn(createVisitor(), app, 's-1')
    expect((await sessionOf(before, app)).by).toBe('nobody')
    expect(await byToken()).toBe(401)
    expect((await accountsOf(app, admin)).find(({ name }) => name === 'vera')).toMatchObject({ isBarred: true, sessions: 0 })

    idp.people.set('s-1', { preferred_username: 'vera', groups: ['watchers'] })
    const after = createVisitor()
    await signIn(after, app, 's-1')
    expect(await sessionOf(after, app)).toMatchObject({ name: 'vera', role: 'viewer' })
    expect(await byToken()).toBe(200)
  })
})

describe('an answer that is not the provider’s to this browser', () => {
  it('is refused: another state, another browser, the same one again', async () => {
    const { idp, app, admin } = await openSite()
    idp.people.set('s-1', { preferred_username: 'vera', groups: ['admins'] })
    const EXPIRED = ['provider-expired', 'This sign-in has expired, was used already or was begun in another browser'] as const

    const visitor = createVisitor()
    const back = (await signIn(visitor, app, 's-1', { until: isCallback })).url
    const tampered = new URL(back)
    tampered.searchParams.set('state', 'A'.repeat(43))
    await expectFault(visitor, app, await visitor.go(tampered.href), ...EXPIRED)
    tampered.searchParams.delete('state')
    await expectFault(visitor, app, await visitor.go(tampered.href), ...EXPIRED)
    const other = createVisitor()
    await expectFault(other, app, await other.go(back.href), ...EXPIRED)
    // Even one that signs in itself at the same time.
    await signIn(other, app, 's-1', { until: isCallback })
    await expectFault(other, app, await other.go(back.href), ...EXPIRED)

    const cookies = new Map(visitor.cookies(HOST))
    expect((await visitor.go(back.href)).url.pathname).toBe('/storage')
    const replaying = createVisitor()
    for (const [name, value] of cookies) replaying.cookies(HOST).set(name, value)
    await expectFault(replaying, app, await replaying.go(back.href), ...EXPIRED)
    expect((await auditOf(app, admin)).entries.filter(({ target }) => target === 'provider-expired').map(({ status, deed }) => [status, deed])).toEqual(Array.from({ length: 5 }, () => [401, 'login-provider']))
  })

  it('is refused: a code that was used already, or comes from somebody else’s sign-in', async () => {
    const { idp, app } = await openSite()
    idp.people.set('s-1', { preferred_username: 'vera', groups: ['admins'] })
    idp.people.set('s-2', { preferred_username: 'eve', groups: ['watchers'] })
    const FAILED = ['provider-failed', 'The answer of the identity provider could not be used'] as const
    const vera = createVisitor()
    const used = (await signIn(vera, app, 's-1', { until: isCallback })).url
    await vera.go(used.href)
    const fresh = (await signIn(createVisitor(), app, 's-1', { until: isCallback })).url
    for (const { searchParams } of [used, fresh]) {
      const eve = createVisitor()
      const back = (await signIn(eve, app, 's-2', { until: isCallback })).url
      back.searchParams.set('code', searchParams.get('code') ?? '')
      await expectFault(eve, app, await eve.go(back.href), ...FAILED)
    }
    expect(app.output()).toMatch(/Signing in at Plant login failed \(provider-failed\): .*invalid_grant/)
  })

  it('is refused: an ID token that was changed, belongs to another sign-in or is none', async () => {
    const { idp, app } = await openSite({}, { conformIdTokenClaims: false })
    idp.people.set('s-1', { preferred_username: 'vera', groups: ['watchers'] })
    let earlier = ''
    idp.tamper = ({ id_token }) => { earlier = String(id_token) }
    await signIn(createVisitor(), app, 's-1')
    const cases: ((answer: Record<string, unknown>) => void)[] = [
      (answer) => { answer.id_token = earlier },
      (answer) => { answer.id_token = withGroups(String(answer.id_token), ['admins']) },
      (answer) => { answer.id_token = withoutSignature(String(answer.id_token)) },
      (answer) => { delete answer.id_token },
    ]
    for (const tamper of cases) {
      idp.tamper = tamper
      const visitor = createVisitor()
      await expectFault(visitor, app, await signIn(visitor, app, 's-1'), 'provider-failed', 'could not be used')
    }
  })
})

/** The same token with other groups, under the signature that it had. */
function withGroups(token: string, groups: string[]): string {
  const [head = '', body = '', signature = ''] = token.split('.')
  const claims: object = JSON.parse(Buffer.from(body, 'base64url').toString())
  return [head, Buffer.from(JSON.stringify({ ...claims, groups })).toString('base64url'), signature].join('.')
}

function withoutSignature(token: string): string {
  const [, body = ''] = token.split('.')
  return [Buffer.from('{"alg":"none"}').toString('base64url'), body, ''].join('.')
}

describe('a provider that does not let in', () => {
  const DOWN = ['provider-down', 'The identity provider does not answer'] as const

  it('because it is down, at the beginning or in the middle, is said so; a password still opens the door, and so does the provider when it is back', async () => {
    const { idp, app, admin } = await openSite()
    idp.people.set('s-1', { preferred_username: 'vera', groups: ['watchers'] })
    await idp.stop()
    const visitor = createVisitor()
    await expectFault(visitor, app, await signIn(visitor, app, 's-1'), ...DOWN)
    const login = await fetch(`${app.url}/api/session`, { method: 'POST', headers: JSON_HEADERS, body: JSON.stringify({ name: 'anna', password: PASSWORD }) })
    expect(login.status).toBe(200)

    await idp.start(app.url)
    idp.isSick = true
    await expectFault(visitor, app, await signIn(visitor, app, 's-1'), ...DOWN)
    idp.isSick = false
    const back = (await signIn(visitor, app, 's-1', { until: isCallback })).url
    await idp.stop()
    await expectFault(visitor, app, await visitor.go(back.href), ...DOWN)

    await idp.start(app.url)
    expect((await signIn(createVisitor(), app, 's-1')).url.pathname).toBe('/storage')
    const audit = await auditOf(app, admin)
    expect(audit.logins).toEqual({ failed: 0, refused: 0, provider: 3 })
    expect(audit.entries.filter(({ target }) => target === 'provider-down').map(({ status }) => status)).toEqual([503, 503, 503])
    // Once a minute.
    expect(app.output().match(/provider-down/g)).toHaveLength(1)
  })

  it('because it keeps silent is given up in time', async () => {
    const sockets = new Set<Socket>()
    const port = await freePort()
    const silent = createServer(socket => sockets.add(socket)).listen(port, '127.0.0.1')
    await once(silent, 'listening')
    onTestFinished(() => {
      for (const socket of sockets) socket.destroy()
      silent.close()
    })
    const idp = await makeProvider()
    const app = await startApp(withProvider({ ...idp, issuer: `http://127.0.0.1:${port}` }, { NUXT_OIDC_TIMEOUT_SECONDS: '1' }))
    const arrived = await createVisitor().go(`${app.url}/api/oidc/login`)
    expect(arrived.url.searchParams.get('fault')).toBe('provider-down')
    expect(app.output()).toContain('operation timed out')
  })

  it('because it refuses, or calls itself otherwise, is said so; what it says makes no lines of its own in the log', async () => {
    const { idp, app, admin } = await openSite()
    const visitor = createVisitor()
    await expectFault(visitor, app, await signIn(visitor, app, '', { form: { deny: 'yes' } }), 'provider-denied', 'has refused, or it was cancelled there')
    expect(app.output()).toMatch(/Signing in at Plant login failed \(provider-denied\): .*not today nor tomorrow/)
    expect((await auditOf(app, admin)).entries[0]).toMatchObject({ deed: 'login-provider', target: 'provider-denied', status: 401, who: null })

    const other = await startApp(withProvider({ ...idp, issuer: idp.issuer.replace('localhost', '127.0.0.1') }))
    expect((await createVisitor().go(`${other.url}/api/oidc/login`)).url.searchParams.get('fault')).toBe('provider-failed')
    expect(other.output()).toContain(`it calls itself ${idp.issuer}`)
  })

  it('fills no audit log, however often somebody tries', async () => {
    const { app, admin } = await openSite()
    for (let i = 0; i < 30; i++) await fetch(`${app.url}/api/oidc/callback?state=${i}`, { redirect: 'manual' })
    const audit = await auditOf(app, admin)
    expect(audit.logins.provider).toBe(30)
    expect(audit.entries.filter(({ deed }) => deed === 'login-provider')).toHaveLength(5)
  })

  it('because there are as many accounts as there may be', async () => {
    const { idp, app } = await openSite({ NUXT_LIMITS_ACCOUNTS: '1' })
    idp.people.set('s-1', { preferred_username: 'vera', groups: ['watchers'] })
    const visitor = createVisitor()
    await expectFault(visitor, app, await signIn(visitor, app, 's-1'), 'accounts-full', 'as many accounts as are allowed')
  })
})

describe('an account from the provider', () => {
  it('never is one that exists already, however it is called, and has no password here', async () => {
    const { idp, app, admin } = await openSite()
    for (const name of ['vera', 'otto']) await fetch(`${app.url}/api/accounts`, { method: 'POST', headers: admin, body: JSON.stringify({ name, role: 'operator', password: PASSWORD }) })
    idp.people.set('s-1', { preferred_username: 'VERA', groups: ['watchers'] })
    idp.people.set('s-2', { preferred_username: 'vera', groups: ['admins'] })
    idp.people.set('s-3', { preferred_username: 'anna', groups: ['watchers'] })
    for (const [subject, name, role] of [['s-1', 'VERA-2', 'viewer'], ['s-2', 'vera-3', 'admin'], ['s-3', 'anna-2', 'viewer'], ['s-1', 'VERA-2', 'viewer']]) {
      const visitor = createVisitor()
      await signIn(visitor, app, subject ?? '')
      expect(await sessionOf(visitor, app)).toMatchObject({ name, role })
    }
    const accounts = await accountsOf(app, admin)
    expect(accounts.map(({ name, role, issuer }) => [name, role, issuer])).toEqual([
      ['anna', 'admin', null], ['anna-2', 'viewer', idp.issuer], ['otto', 'operator', null], ['vera', 'operator', null], ['VERA-2', 'viewer', idp.issuer], ['vera-3', 'admin', idp.issuer],
    ])
    for (const change of [{ role: 'admin' }, { password: PASSWORD }]) {
      const answer = await fetch(`${app.url}/api/accounts/VERA-2`, { method: 'PUT', headers: admin, body: JSON.stringify(change) })
      expect(answer.status).toBe(409)
      expect(await answer.json()).toMatchObject({ error: { code: 'account-external' } })
    }
    const login = (name: string) => fetch(`${app.url}/api/session`, { method: 'POST', headers: JSON_HEADERS, body: JSON.stringify({ name, password: PASSWORD }) })
    expect((await login('VERA-2')).status).toBe(401)
    expect((await login('vera')).status).toBe(200)
  })
})

describe('signing out', () => {
  it('ends the session here and at the provider, with the ID token or, after a restart, without', async () => {
    const { idp, app, admin } = await openSite()
    idp.people.set('s-1', { preferred_username: 'vera', groups: ['watchers'] })
    for (const path of ['/api/session', '/api/account/sessions']) {
      const visitor = createVisitor()
      await signIn(visitor, app, 's-1')
      const { leadsTo, by } = SignedOutSchema.parse(JSON.parse((await visitor.go(app.url + path, { method: 'DELETE' })).body))
      expect(by).toBe('nobody')
      expect((await sessionOf(visitor, app)).by).toBe('nobody')
      const url = new URL(leadsTo ?? '')
      expect(url.origin).toBe(idp.issuer)
      expect(Object.fromEntries(url.searchParams)).toEqual({ client_id: 'leitstand', post_logout_redirect_uri: `${app.url}/login`, id_token_hint: expect.stringMatching(/^[\w-]+\.[\w-]+\.[\w-]+$/) })
      const arrived = await confirmSignOut(visitor, url.href)
      expect(arrived.url.href).toBe(`${app.url}/login`)
      // It asks anew who it is.
      expect((await visitor.go(`${app.url}/api/oidc/login`)).url.pathname).toMatch(/^\/interaction\//)
    }
    const local = await fetch(`${app.url}/api/session`, { method: 'DELETE', headers: admin })
    expect(SignedOutSchema.parse(await local.json()).leadsTo).toBeNull()
  })

  it('ends it here as well when the provider does not answer or has no such place', async () => {
    for (const isThere of [false, true]) {
      const { idp, app } = await openSite({}, isThere ? { features: { devInteractions: { enabled: false }, rpInitiatedLogout: { enabled: false } } } : {})
      idp.people.set('s-1', { preferred_username: 'vera', groups: ['watchers'] })
      const visitor = createVisitor()
      await signIn(visitor, app, 's-1')
      if (!isThere) {
        const port = app.port
        await idp.stop()
        expect(port).toBe(app.port)
      }
      const { leadsTo } = SignedOutSchema.parse(JSON.parse((await visitor.go(`${app.url}/api/session`, { method: 'DELETE' })).body))
      // It has been asked an hour ago at most where that place is.
      expect(leadsTo === null).toBe(isThere)
      expect((await sessionOf(visitor, app)).by).toBe('nobody')
    }
  })
})

function confirmSignOut(visitor: Visitor, url: string) {
  return visitor.go(url).then(({ body, url: { origin } }) => {
    const action = /action="([^"]+)"/.exec(body)?.[1] ?? ''
    const xsrf = /name="xsrf" value="([^"]+)"/.exec(body)?.[1] ?? ''
    return visitor.go(new URL(action, origin).href, { method: 'POST', body: new URLSearchParams({ xsrf, logout: 'yes' }) })
  })
}
