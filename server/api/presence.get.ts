import type { PresenceCounts } from '#shared/schemas/device'

/** `GET /api/presence` -> how many devices there are of each presence, of those that the asker may see */
export default defineEventHandler((event): PresenceCounts => {
  const { fleet, presence } = useLeitstand()
  const devices = devicesFor(event)
  if (!devices) return presence.counts()
  const counts: PresenceCounts = { live: 0, late: 0, silent: 0, offline: 0, unknown: 0 }
  for (const deviceId of devices) {
    const device = fleet.get(deviceId)
    if (device) counts[device.presence ?? 'unknown']++
  }
  return counts
})
