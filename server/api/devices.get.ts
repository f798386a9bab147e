import { scopeKey } from '#shared/device/device-scope'

/** `GET /api/devices` -> `KnownDevice[]`: what people say about devices, sorted by deviceId; 304 when the client has it already */
export default defineEventHandler((event) => {
  const { registry } = useLeitstand()
  const sees = sightFor(event)
  const tag = entityTag(registry.revision(), { reach: scopeKey(reachFor(event)) })
  setResponseHeaders(event, { 'cache-control': 'no-cache', 'etag': tag })
  if (isUnchanged(event, tag)) return null
  return sees ? registry.all().filter(({ deviceId }) => sees(deviceId)) : registry.all()
})
