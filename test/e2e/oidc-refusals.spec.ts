import { once } from 'node:events'
import { createServer } from 'node:net'
import type { Socket } from 'node:net'
import { describe, expect, it, onTestFinished } from 'vitest'
import { freePort } from '../../tools/programs/free-port'
import { startApp } from './support/app'
import { auditOf, expectFault, HOST, isCallback, JSON_HEADERS, openSite, PASSWORD, signIn } from './support/oidc-site'
import { makeProvider, withProvider } from './support/provider'
import { createVisitor } from './support/visitor'

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
    expect(audit.entries).toHaveLength(5)
  })

  it('because there are as many accounts as there may be', async () => {
    const { idp, app } = await openSite({ NUXT_LIMITS_ACCOUNTS: '1' })
    idp.people.set('s-1', { preferred_username: 'vera', groups: ['watchers'] })
    const visitor = createVisitor()
    await expectFault(visitor, app, await signIn(visitor, app, 's-1'), 'accounts-full', 'as many accounts as are allowed')
  })
})
