/** `GET /metrics` -> what Prometheus collects; text format 0.0.4 */
export default defineEventHandler(async (event): Promise<string> => {
  const { contentType, text } = await useLeitstand().metrics()
  setResponseHeaders(event, { 'content-type': contentType, 'cache-control': 'no-store' })
  return text()
})
