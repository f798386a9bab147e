import type { ProviderFault } from '#shared/api/access'

const MAX_REASON_LENGTH = 200
const FIRST_SERVER_ERROR = 500
/** What a provider says when it cannot do it now. */
const NOT_NOW = ['temporarily_unavailable', 'server_error']

/** Why somebody did not get in: the code is for the page, the reason for the log. */
export interface OidcFault { code: ProviderFault, reason: string }

/** Puts into words what `openid-client` and the network throw. */
export function faultFrom(error: unknown): OidcFault {
  const said = textAt(error, 'error')
  const reason = reasonOf(error)
  if (said === 'access_denied') return { code: 'provider-denied', reason }
  return { code: isAway(error, said) ? 'provider-down' : 'provider-failed', reason }
}

/** Nothing has answered, not in time, or that it cannot do it now. */
function isAway(error: unknown, said: string | undefined): boolean {
  const status = statusOf(error)
  const isSilent = error instanceof TypeError && error.message === 'fetch failed'
  return isSilent || textAt(error, 'code') === 'OAUTH_TIMEOUT' || (status !== undefined && status >= FIRST_SERVER_ERROR) || (said !== undefined && NOT_NOW.includes(said))
}

/** The error and what is behind it, on one line. What comes from elsewhere may stand in it, and must not look like lines of ours. */
function reasonOf(error: unknown): string {
  const parts = [textAt(error, 'message'), textAt(error, 'error'), textAt(error, 'error_description'), statusOf(error)?.toString(), causeOf(error)]
  return [...new Set(parts.filter(Boolean))].join(': ').replaceAll(/[\s\p{Cc}\p{Cf}]+/gu, ' ').slice(0, MAX_REASON_LENGTH) || 'nothing is known about it'
}

function causeOf(error: unknown): string | undefined {
  const cause = error instanceof Error ? error.cause : undefined
  return textAt(cause, 'code') ?? textAt(cause, 'message')
}

function statusOf(error: unknown): number | undefined {
  const cause = error instanceof Error ? error.cause : undefined
  const status = valueAt(error, 'status') ?? valueAt(cause, 'status')
  return typeof status === 'number' ? status : undefined
}

function textAt(value: unknown, key: string): string | undefined {
  const text = valueAt(value, key)
  return typeof text === 'string' && text !== '' ? text : undefined
}

function valueAt(value: unknown, key: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, key) : undefined
}
