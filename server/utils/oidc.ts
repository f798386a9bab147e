import { createError, deleteCookie, getCookie, getRequestHeader, sendNoContent, setCookie, setResponseHeader } from 'h3'
import type { H3Event } from 'h3'
import { useRuntimeConfig } from '#imports'
import type { SignedOut } from '#shared/schemas/access'
import type { ProviderFault } from '#shared/api/access'
import type { AccountRefusal, Principal } from '../leitstand/leitstand'
import { visitorFor } from './access'
import { isSecure, leave, STATUS } from './accounts'
import { useLeitstand } from './leitstand'

const FLOW_COOKIE = 'leitstand-oidc'

/** The answer to a failed attempt at the provider, if the client were not a person who is redirected. */
const FAULT_STATUS: Record<ProviderFault, number> = { 'provider-down': 503, 'provider-denied': 401, 'provider-failed': 502, 'provider-expired': 401, 'provider-no-role': 403 }

/** The provider, or a 404. */
export function requireOidc() {
  const { oidc } = useLeitstand()
  if (!oidc) throw createError({ statusCode: 404, message: 'People do not sign in elsewhere: NUXT_OIDC_ISSUER is not set.', data: { code: 'oidc-off' } })
  return oidc
}

/** The full address of a path of this site; the request guard has found host and protocol. */
export function publicUrl(event: H3Event, path: string): string {
  return `${isSecure(event) ? 'https' : 'http'}://${getRequestHeader(event, 'host') ?? 'localhost'}${useRuntimeConfig(event).app.baseURL}${path}`
}

/** Redirects the browser. */
export function leadTo(event: H3Event, url: string) {
  setResponseHeader(event, 'cache-control', 'no-store')
  setResponseHeader(event, 'location', url)
  return sendNoContent(event, 302)
}

/** Back to the sign-in page, which shows why it failed. */
export function leadBack(event: H3Event, code: ProviderFault | AccountRefusal['code'], to: string) {
  const { address } = visitorFor(event)
  event.context.outcome = { status: isProviderFault(code) ? FAULT_STATUS[code] : STATUS[code], isNoted: useLeitstand().accounts.countExternal(code, address) }
  event.context.target ??= code
  const query = new URLSearchParams({ fault: code, ...(to !== '/' && { to }) })
  return leadTo(event, `${useRuntimeConfig(event).app.baseURL}login?${query}`)
}

export function flowCookie(event: H3Event): string | undefined {
  return getCookie(event, FLOW_COOKIE)
}

/**
 * Binds a sign-in to this browser: no script can read it, and other sites send it only with a link, as the provider's
 * answer is.
 */
export function setFlowCookie(event: H3Event, value: string, seconds: number) {
  const options = { httpOnly: true, sameSite: 'lax', path: `${useRuntimeConfig(event).app.baseURL}api/oidc`, secure: isSecure(event) } as const
  if (value === '') deleteCookie(event, FLOW_COOKIE, options)
  else setCookie(event, FLOW_COOKIE, value, { ...options, maxAge: seconds })
}

/** Signs out here by `end`, and returns where the browser signs out at the provider if it came from there. */
export async function signOut(event: H3Event, principal: Principal | undefined, end: (principal: Principal) => Promise<void>): Promise<SignedOut> {
  const { accounts, oidc } = useLeitstand()
  const isFromProvider = principal?.by === 'session' && accounts.describe(principal).isExternal
  const hint = principal && oidc?.hintOf(principal.key)
  leave(event)
  if (principal) await end(principal)
  const leadsTo = isFromProvider && oidc ? await oidc.signOutUrl(hint, publicUrl(event, 'login')) : null
  return { ...accounts.describe(undefined), leadsTo }
}

function isProviderFault(code: string): code is ProviderFault {
  return code in FAULT_STATUS
}
