import type { DeviceState } from '#shared/schemas/device'
import { DeviceQuerySchema } from '#shared/schemas/device'
import { answerDeviceAt } from '../../moments'

/** `GET /api/sensors/{deviceId}?at=` -> `DeviceState`, 404 when unknown */
export default defineEventHandler(async (event): Promise<DeviceState> => {
  const device = requireDevice(event)
  const { at } = requireQuery(event, DeviceQuerySchema)
  if (at === undefined) return device
  await requireMoment(at)
  return requireAnswer(await answerDeviceAt(useLeitstand(), at, device.deviceId))
})
