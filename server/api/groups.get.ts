import type { Groups } from '#shared/schemas/profile'

/**
 * `GET /api/groups` -> groups with the number of their devices, sorted by name; with limited rights only the visible
 * part
 */
export default defineEventHandler((event): Groups => {
  const { registry } = useLeitstand()
  const devices = devicesFor(event)
  if (!devices) return registry.groups()
  const counts = countBy(devices, deviceId => registry.labelsOf(deviceId).group)
  const own = deviceScopeFor(event)?.groups
  return registry.groups().flatMap(group => counts.has(group.name) || own?.has(group.name) ? { ...group, devices: counts.get(group.name) ?? 0 } : [])
})
