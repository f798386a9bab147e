import { scopeKey } from '#shared/device/device-scope'

/** `GET /api/devices` -> `KnownDevice[]`: what people say about devices, sorted by deviceId; 304 when the client has it already */
export default defineEventHandler((event) => {
  const { registry } = useLeitstand()
  const sees = canSeeFor(event)
  const tag = entityTag(registry.revision(), { deviceScope: scopeKey(deviceScopeFor(event)) })
  setResponseHeaders(event, { 'cache-control': 'no-cache', 'etag': tag })
  if (isUnchanged(event, tag)) return null
  return sees ? registry.all().filter(({ deviceId }) => sees(deviceId)) : registry.all()
})
