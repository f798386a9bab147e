import { expect } from 'vitest'
import { AccountsSchema, AuditSchema, SessionSchema, SignedOutSchema } from '#shared/schemas/access'
import { startApp } from './app'
import type { App, Env } from './app'
import { makeProvider, withProvider } from './provider'
import { until } from './until'
import type { Arrival, Visitor } from './visitor'

export const PASSWORD = 'correct horse battery'
export const JSON_HEADERS = { 'content-type': 'application/json' }
/** Of the application; the provider is another site. */
export const HOST = '127.0.0.1'
export const SESSION = 'leitstand-session'

/** A provider, an application whose people sign in there, and its first account, a local admin. */
export async function openSite(env: Env = {}, more: Parameters<typeof makeProvider>[0] = {}) {
  const idp = await makeProvider(more)
  const app = await startApp(withProvider(idp, env))
  await idp.start(app.url)
  const first = await fetch(`${app.url}/api/first-account`, { method: 'POST', headers: JSON_HEADERS, body: JSON.stringify({ name: 'anna', password: PASSWORD }) })
  const admin = { ...JSON_HEADERS, cookie: first.headers.get('set-cookie')?.split(';')[0] ?? '' }
  return { idp, app, admin }
}

export interface Way { to?: string, form?: Record<string, string>, until?: (url: URL) => boolean, headers?: Record<string, string> }

/** Begins to sign in, writes a subject on the provider's page where that asks, and goes on to where it leads. */
export async function signIn(visitor: Visitor, app: App, subject: string, { to = '/storage', form = { subject }, until, headers = {} }: Way = {}): Promise<Arrival> {
  const asked = await visitor.go(`${app.url}/api/oidc/login?to=${encodeURIComponent(to)}`, { headers }, until)
  if (!asked.url.pathname.startsWith('/interaction/')) return asked
  return visitor.go(asked.url.href, { method: 'POST', body: new URLSearchParams(form), headers }, until)
}

export const isCallback = (url: URL) => url.pathname === '/api/oidc/callback'

/** Signs out here; where the provider goes on with it. */
export async function signOut(visitor: Visitor, app: App, path = '/api/session'): Promise<string | null> {
  const { leadsTo, by } = SignedOutSchema.parse(JSON.parse((await visitor.go(app.url + path, { method: 'DELETE' })).body))
  expect(by).toBe('nobody')
  expect((await sessionOf(visitor, app)).by).toBe('nobody')
  return leadsTo
}

/** Says yes on the provider's page for signing out. */
export async function confirmSignOut(visitor: Visitor, address: string): Promise<Arrival> {
  const { body, url } = await visitor.go(address)
  const [, action = ''] = /action="([^"]+)"/.exec(body) ?? []
  const [, xsrf = ''] = /name="xsrf" value="([^"]+)"/.exec(body) ?? []
  return visitor.go(new URL(action, url).href, { method: 'POST', body: new URLSearchParams({ xsrf, logout: 'yes' }) })
}

export async function sessionOf(visitor: Visitor, app: App) {
  return SessionSchema.parse(JSON.parse((await visitor.go(`${app.url}/api/session`)).body))
}

/** The audit log with all that has happened until now: entries are written one after the other, so the last one that is there has all before it. */
export async function auditOf(app: App, headers: Record<string, string>) {
  await fetch(`${app.url}/api/site`, { method: 'PUT', headers, body: '{"intervalSeconds":600}' })
  const { entries, ...audit } = await until(async () => {
    const audit = AuditSchema.parse(await (await fetch(`${app.url}/api/audit`, { headers })).json())
    return audit.entries[0]?.deed === 'site' ? audit : undefined
  }, 'the audit log to be written')
  return { ...audit, entries: entries.filter(({ deed }) => deed === 'login-provider') }
}

export async function accountsOf(app: App, headers: Record<string, string>) {
  return AccountsSchema.parse(await (await fetch(`${app.url}/api/accounts`, { headers })).json())
}

/** Nobody came in, and the page says why. */
export async function expectFault(visitor: Visitor, app: App, arrived: Arrival, fault: string, sentence: string) {
  expect(arrived.url.pathname).toBe('/login')
  expect(arrived.url.searchParams.get('fault')).toBe(fault)
  expect(arrived.status).toBe(200)
  expect(arrived.body).toContain(sentence)
  expect(visitor.cookies(HOST).has(SESSION)).toBe(false)
  expect((await sessionOf(visitor, app)).by).toBe('nobody')
}
