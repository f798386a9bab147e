import type { DeviceCounters } from '#shared/schemas/counters'

/** `GET /api/sensors/{deviceId}/counters` -> received, stored, duplicate, rejected, gaps in the device's own numbers */
export default defineEventHandler((event): DeviceCounters => {
  const { deviceId } = requireDevice(event)
  return useLeitstand().counters.get(deviceId) ?? { deviceId, received: 0, stored: 0, duplicate: 0, rejected: 0, sequence: null }
})
