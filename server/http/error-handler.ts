import { getRequestHeader, send, setResponseHeader, setResponseStatus } from 'h3'
import type { H3Error, H3Event } from 'h3'
import { ErrorAnswerSchema } from '#shared/schemas/error'
import type { ErrorAnswer } from '#shared/schemas/error'
import { isForPrograms } from '#shared/api/access'

const CODES: Record<number, string> = { 400: 'bad-request', 404: 'not-found', 405: 'method-not-allowed', 413: 'too-large', 415: 'media-type' }

/** Errors have one shape and no internals; requests for a page get Nuxt's own error page. */
export default function errorHandler(error: H3Error, event: H3Event) {
  const [path = ''] = event.path.split('?')
  if (!isForPrograms(path) && getRequestHeader(event, 'accept')?.includes('text/html')) return
  const { statusCode } = error
  const isOurs = (statusCode < 500 || statusCode === 503) && !error.unhandled
  if (!isOurs) console.error(`[leitstand] ${event.method} ${event.path.slice(0, 200)} failed:`, error)
  const answer: ErrorAnswer = {
    error: {
      code: codeOf(error.data) ?? (isOurs ? CODES[statusCode] ?? 'bad-request' : 'internal'),
      message: isOurs ? error.message : 'The server could not answer this; its log says why.',
      ...(isOurs && faultsOf(error.data)),
    },
  }
  setResponseStatus(event, statusCode)
  setResponseHeader(event, 'content-type', 'application/json; charset=utf-8')
  return send(event, JSON.stringify(answer))
}

function codeOf(data: unknown): string | undefined {
  return typeof data === 'object' && data !== null && 'code' in data && typeof data.code === 'string' ? data.code : undefined
}

function faultsOf(data: unknown): Pick<ErrorAnswer['error'], 'faults'> {
  const faults = ErrorAnswerSchema.shape.error.shape.faults.safeParse(typeof data === 'object' && data !== null && 'faults' in data ? data.faults : undefined).data
  return faults ? { faults } : {}
}
