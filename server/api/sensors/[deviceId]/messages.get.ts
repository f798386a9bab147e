import type { RecentMessages } from '#shared/schemas/device'

/** `GET /api/sensors/{deviceId}/messages` -> `{ deviceId, messages }`, newest first, 404 when unknown */
export default defineEventHandler((event): RecentMessages => {
  const { deviceId } = requireDevice(event)
  return { deviceId, messages: useLeitstand().fleet.recent(deviceId) }
})
