import type { PresenceAnswer } from '#shared/schemas/history'
import { PresenceQuerySchema } from '#shared/schemas/history'
import { rangeOf } from '../../../leitstand/questions'

/** `GET /api/sensors/{deviceId}/presence?from=&to=&limit=` -> what the device was when, oldest first */
export default defineEventHandler((event): PresenceAnswer | Promise<PresenceAnswer> => {
  const { deviceId } = requireDevice(event)
  const { limit, ...range } = requireQuery(event, PresenceQuerySchema)
  return requireHistory().presence.read(deviceId, rangeOf(range), limit)
})
