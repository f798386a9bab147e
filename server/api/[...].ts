/** Whatever else is asked of the API does not exist; the page's own 404 is not an answer for programs. */
export default defineEventHandler((event) => {
  const what = `${event.method} ${event.path.split('?')[0]?.slice(0, 200)}`
  if (event.method !== 'GET') {
    setResponseHeader(event, 'allow', 'GET, HEAD')
    throw createError({ statusCode: 405, message: `${what} is not possible: the API only answers questions (GET).`, data: { code: 'method-not-allowed' } })
  }
  throw createError({ statusCode: 404, message: `There is no ${what}.`, data: { code: 'not-found' } })
})
