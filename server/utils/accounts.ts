import { createError, deleteCookie, getRequestHeader, setCookie, setResponseHeader } from 'h3'
import type { H3Event } from 'h3'
import type { AccountRefusal, Begun, Guest } from '../leitstand'
import { SESSION_COOKIE, visitorFor } from './access'
import { useShell } from './shell'

/** Larger than any request about accounts. */
export const MAX_ACCOUNT_BYTES = 8_192

const STATUS: Record<AccountRefusal['code'], number> = {
  'login-wrong': 401, 'login-busy': 503, 'login-too-often': 429, 'account-exists': 409, 'account-unknown': 404, 'accounts-full': 409, 'accounts-unavailable': 503,
  'last-admin': 409, 'code-wrong': 403, 'not-first': 409, 'role-too-high': 403, 'token-unknown': 404, 'tokens-full': 409, 'password-wrong': 403,
}

/** What was done, or its refusal as an error. */
export function requireDone<T>(event: H3Event, answer: T | AccountRefusal): T {
  if (isRefusal(answer)) throw refusalError(event, answer)
  return answer
}

export function refusalError(event: H3Event, { code, message, retryAfter }: AccountRefusal) {
  if (code === 'login-too-often' || code === 'login-busy') useShell().count('logins-too-many', 'There are more attempts to sign in than are looked at.')
  if (retryAfter !== undefined) setResponseHeader(event, 'retry-after', retryAfter)
  return createError({ statusCode: STATUS[code], message, data: { code } })
}

function isRefusal(answer: unknown): answer is AccountRefusal {
  return typeof answer === 'object' && answer !== null && 'code' in answer && 'message' in answer
}

/** Who asks, where the rule has let somebody in. */
export function requireGuest(event: H3Event): Guest {
  const { guest } = visitorFor(event)
  if (!guest) throw createError({ statusCode: 401, message: 'Sign in first.', data: { code: 'login-required' } })
  return guest
}

export function originOf(event: H3Event) {
  return { address: visitorFor(event).address, agent: getRequestHeader(event, 'user-agent') ?? '' }
}

/** Hands the browser its session: no script reads it, no other site sends it along, and over HTTPS it never leaves that. */
export function enter(event: H3Event, { guest, token, maxAgeSeconds }: Begun): Guest {
  setCookie(event, SESSION_COOKIE, token, { httpOnly: true, sameSite: 'lax', path: '/', secure: isSecure(event), maxAge: maxAgeSeconds })
  visitorFor(event).guest = guest
  return guest
}

export function leave(event: H3Event) {
  deleteCookie(event, SESSION_COOKIE, { httpOnly: true, sameSite: 'lax', path: '/', secure: isSecure(event) })
  visitorFor(event).guest = undefined
}

/** As the door has found. */
function isSecure(event: H3Event): boolean {
  return getRequestHeader(event, 'x-forwarded-proto') === 'https'
}
