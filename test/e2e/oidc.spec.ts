import { describe, expect, it } from 'vitest'
import { MadeTokenSchema } from '#shared/schemas/access'
import { startApp } from './support/app'
import { accountsOf, auditOf, expectFault, HOST, isCallback, JSON_HEADERS, openSite, PASSWORD, SESSION, sessionOf, signIn } from './support/oidc-site'
import { makeProvider, withProvider } from './support/provider'
import { createVisitor } from './support/visitor'

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
    expect(audit.entries.map(({ who, status }) => [who, status])).toEqual(Array.from({ length: 4 }, () => ['vera', 302]))
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
