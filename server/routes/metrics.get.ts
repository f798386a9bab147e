/** `GET /metrics` -> what Prometheus collects; text format 0.0.4 */
export default defineEventHandler(async (event): Promise<string> => {
  // The door asks by the address, of which the router takes more spellings for the same; here there is no way past.
  const fault = accessFault(visitorFor(event), 'get /metrics')
  if (fault) throw accessError(event, fault)
  const { contentType, text } = await useLeitstand().metrics()
  setResponseHeaders(event, { 'content-type': contentType, 'cache-control': 'no-store' })
  return text()
})
