/** Whatever else is asked of the API does not exist; the page's own 404 is not an answer for programs. */
export default defineEventHandler((event) => {
  throw createError({
    statusCode: 404,
    message: `There is no ${event.method} ${event.path.split('?')[0]?.slice(0, 200)}.`,
    data: { code: 'not-found' },
  })
})
