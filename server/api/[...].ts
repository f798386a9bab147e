/** Whatever else is asked of the API. */
export default defineEventHandler((event) => {
  throw notFound(event)
})
