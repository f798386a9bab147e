import type { Places } from '#shared/schemas/profile'

/** `GET /api/places` -> places with the number of their devices, sorted by name; only of devices that the asker may see */
export default defineEventHandler((event): Places => {
  const { registry } = useLeitstand()
  const devices = devicesFor(event)
  if (!devices) return registry.places()
  const counts = countBy(devices, deviceId => registry.labelsOf(deviceId).place)
  return registry.places().flatMap(({ name }) => counts.has(name) ? { name, devices: counts.get(name) ?? 0 } : [])
})
