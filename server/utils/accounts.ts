import { createError, deleteCookie, getRequestHeader, setCookie, setResponseHeader } from 'h3'
import type { H3Event } from 'h3'
import { useRuntimeConfig } from '#imports'
import type { AccountRefusal, NewSession, Principal, Opened } from '../leitstand/leitstand'
import { SESSION_COOKIE, SHARE_COOKIE, visitorFor } from './access'
import { useShell } from './shell'

/** Larger than any request about accounts. */
export const MAX_ACCOUNT_BYTES = 8_192

export const STATUS: Record<AccountRefusal['code'], number> = {
  'login-wrong': 401, 'login-busy': 503, 'login-too-often': 429, 'account-exists': 409, 'account-unknown': 404, 'accounts-full': 409, 'accounts-unavailable': 503,
  'last-admin': 409, 'account-external': 409, 'code-wrong': 403, 'not-first': 409, 'role-too-high': 403, 'token-unknown': 404, 'tokens-full': 409, 'password-wrong': 403,
  'accounts-lost': 403, 'machine-only': 409, 'admin-limited': 409, 'groups-too-wide': 403, 'shares-full': 409, 'share-unknown': 404, 'share-over': 404,
}

/** The result, or its refusal as an error. */
export function requireDone<T>(event: H3Event, answer: T | AccountRefusal): T {
  if (isRefusal(answer)) throw refusalError(event, answer)
  return answer
}

export function refusalError(event: H3Event, { code, message, retryAfter }: AccountRefusal) {
  if (code === 'login-too-often' || code === 'login-busy') useShell().count('logins-too-many', 'There are more attempts to sign in than are looked at.')
  if (retryAfter !== undefined) setResponseHeader(event, 'retry-after', retryAfter)
  return createError({ statusCode: STATUS[code], message, data: { code } })
}

export function isRefusal(answer: unknown): answer is AccountRefusal {
  return typeof answer === 'object' && answer !== null && 'code' in answer && 'message' in answer
}

/** The audit log's text for an account with groups: `anna: Halle 1, Halle 2`, or `anna: *` for no limit. */
export function withGroups(name: string, groups: readonly string[] | undefined): string {
  return groups ? `${name}: ${groups.join(', ') || '*'}` : name
}

/** The principal of a request that a rule has let in. */
export function requirePrincipal(event: H3Event): Principal {
  const { principal } = visitorFor(event)
  if (!principal) throw createError({ statusCode: 401, message: 'Sign in first.', data: { code: 'login-required' } })
  return principal
}

export function originOf(event: H3Event) {
  return { address: visitorFor(event).address, agent: getRequestHeader(event, 'user-agent') ?? '' }
}

/** Sends the browser its session: no script can read it, no other site sends it, and over HTTPS it stays on HTTPS. */
export function enter(event: H3Event, { principal, token, maxAgeSeconds }: NewSession): Principal {
  setCookie(event, SESSION_COOKIE, token, { ...cookieOptions(event), maxAge: maxAgeSeconds })
  visitorFor(event).principal = principal
  return principal
}

/** The same for the view of a share link; a signed-in user stays signed in. */
export function enterByLink(event: H3Event, secret: string, { principal, maxAgeSeconds }: Opened): Principal {
  setCookie(event, SHARE_COOKIE, secret, { ...cookieOptions(event), maxAge: maxAgeSeconds })
  visitorFor(event).principal = principal
  return principal
}

export function leave(event: H3Event) {
  for (const name of [SESSION_COOKIE, SHARE_COOKIE]) deleteCookie(event, name, cookieOptions(event))
  visitorFor(event).principal = undefined
}

function cookieOptions(event: H3Event) {
  return { httpOnly: true, sameSite: 'lax', path: useRuntimeConfig(event).app.baseURL, secure: isSecure(event) } as const
}

/** As the request guard has found. */
export function isSecure(event: H3Event): boolean {
  return getRequestHeader(event, 'x-forwarded-proto') === 'https'
}
