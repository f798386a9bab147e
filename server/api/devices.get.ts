/** `GET /api/devices` -> `KnownDevice[]`: what people say about devices, sorted by deviceId; 304 when the client has it already */
export default defineEventHandler((event) => {
  const { registry } = useLeitstand()
  const tag = entityTag(registry.revision(), {})
  setResponseHeaders(event, { 'cache-control': 'no-cache', 'etag': tag })
  return isUnchanged(event, tag) ? null : registry.all()
})
