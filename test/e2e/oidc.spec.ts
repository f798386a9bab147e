import { describe, expect, it } from 'vitest'
import { AuditSchema, SessionSchema } from '#shared/schemas/access'
import { startApp } from './support/app'
import type { App, Env } from './support/app'
import { makeProvider, withProvider } from './support/provider'
import type { IdentityProvider } from './support/provider'
import { createVisitor } from './support/visitor'
import type { Visitor } from './support/visitor'

const PASSWORD = 'correct horse battery'
const JSON_HEADERS = { 'content-type': 'application/json' }

/** A provider, an application whose people sign in there, and its first account, a local admin. */
async function openSite(env: Env = {}, more: Parameters<typeof makeProvider>[0] = {}) {
  const idp = await makeProvider(more)
  const app = await startApp(withProvider(idp, env))
  await idp.start(app.url)
  const first = await fetch(`${app.url}/api/first-account`, { method: 'POST', headers: JSON_HEADERS, body: JSON.stringify({ name: 'anna', password: PASSWORD }) })
  const admin = { ...JSON_HEADERS, cookie: first.headers.get('set-cookie')?.split(';')[0] ?? '' }
  return { idp, app, admin }
}

/** Writes a subject on the provider's page, and goes on to where that leads. */
function signIn(visitor: Visitor, app: App, subject: string, { to = '/storage', until }: { to?: string, until?: (url: URL) => boolean } = {}) {
  return answerForm(visitor, app, { subject }, to, until)
}

async function answerForm(visitor: Visitor, app: App, form: Record<string, string>, to = '/storage', until?: (url: URL) => boolean) {
  const asked = await visitor.go(`${app.url}/api/oidc/login?to=${encodeURIComponent(to)}`, {}, until)
  if (!asked.url.pathname.startsWith('/interaction/')) return asked
  return visitor.go(asked.url.href, { method: 'POST', body: new URLSearchParams(form) }, until)
}

async function sessionOf(visitor: Visitor, app: App) {
  return SessionSchema.parse(JSON.parse((await visitor.go(`${app.url}/api/session`)).body))
}

async function auditOf(app: App, headers: Record<string, string>) {
  return AuditSchema.parse(await (await fetch(`${app.url}/api/audit`, { headers })).json())
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
    }
    const accounts: unknown = await (await fetch(`${app.url}/api/accounts`, { headers: admin })).json()
    expect(accounts).toMatchObject([{ name: 'anna', issuer: null }, { name: 'vera', role: 'viewer', issuer: idp.issuer, isBarred: false, sessions: 4 }])
    expect((await auditOf(app, admin)).entries.filter(({ deed }) => deed === 'login-provider').map(({ who, status }) => [who, status])).toEqual(Array.from({ length: 4 }, () => ['vera', 302]))
  })
})
