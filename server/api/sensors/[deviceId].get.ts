import type { DeviceState } from '#shared/schemas/device'
import { DeviceQuerySchema } from '#shared/schemas/device'
import { answerDeviceAt } from '../../replay/point-in-time'

/** `GET /api/sensors/{deviceId}?at=` -> `DeviceState`, 404 when unknown */
export default defineEventHandler(async (event): Promise<DeviceState> => {
  const { at } = requireQuery(event, DeviceQuerySchema)
  if (at === undefined) return requireDevice(event)
  await requirePointInTime(at)
  return requireAnswer(await answerDeviceAt(useLeitstand(), at, requireDevice(event).deviceId))
})
