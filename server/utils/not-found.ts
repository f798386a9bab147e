import { createError, setResponseHeader } from 'h3'
import type { H3Event } from 'h3'
import { methodsOf } from '#shared/api/access'

/** Any other API path does not exist; the page's own 404 is no answer for programs. */
export function notFound(event: H3Event) {
  const [path = ''] = event.path.split('?')
  const what = `${event.method} ${path.slice(0, 200)}`
  const methods = methodsOf(path)
  if (event.method === 'GET' || methods.length === 0) return createError({ statusCode: 404, message: `There is no ${what}.`, data: { code: 'not-found' } })
  const allowed = methods.map(method => method === 'GET' ? 'GET, HEAD' : method).join(', ')
  setResponseHeader(event, 'allow', allowed)
  return createError({ statusCode: 405, message: `${what} is not possible: there is only ${allowed}.`, data: { code: 'method-not-allowed' } })
}
