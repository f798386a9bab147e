import { methodsOf } from '../documents/routes'

/** Whatever else is asked of the API does not exist; the page's own 404 is not an answer for programs. */
export default defineEventHandler((event) => {
  const [path = ''] = event.path.split('?')
  const what = `${event.method} ${path.slice(0, 200)}`
  const methods = methodsOf(path)
  if (event.method === 'GET' || methods.length === 0) throw createError({ statusCode: 404, message: `There is no ${what}.`, data: { code: 'not-found' } })
  const allowed = methods.map(method => method === 'get' ? 'GET, HEAD' : method.toUpperCase()).join(', ')
  setResponseHeader(event, 'allow', allowed)
  throw createError({ statusCode: 405, message: `${what} is not possible: there is only ${allowed}.`, data: { code: 'method-not-allowed' } })
})
