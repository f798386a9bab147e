import type { ProviderFault } from '#shared/api/access'

const MAX_REASON_LENGTH = 200
const FIRST_SERVER_ERROR = 500
/** The provider's error code for "not available now". */
const NOT_NOW = ['temporarily_unavailable', 'server_error']

/** Why a sign-in failed: the code is for the page, the reason for the log. */
export interface OidcFault { code: ProviderFault, reason: string }

/** The reason of an error of `openid-client` or the network, as a sentence. */
export function faultFrom(error: unknown): OidcFault {
  const errorCode = textAt(error, 'error')
  const reason = reasonOf(error)
  if (errorCode === 'access_denied') return { code: 'provider-denied', reason }
  return { code: isUnavailable(error, errorCode) ? 'provider-down' : 'provider-failed', reason }
}

/** No answer, none in time, or the answer that it is not available now. */
function isUnavailable(error: unknown, errorCode: string | undefined): boolean {
  const status = statusOf(error)
  const isSilent = error instanceof TypeError && error.message === 'fetch failed'
  return isSilent
    || textAt(error, 'code') === 'OAUTH_TIMEOUT'
    || (status !== undefined && status >= FIRST_SERVER_ERROR)
    || (errorCode !== undefined && NOT_NOW.includes(errorCode))
}

/**
 * The error and its cause on one line. It may contain text from outside, which must not look like our own log lines.
 */
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
