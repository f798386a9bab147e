import type { KnownDevice } from '#shared/schemas/profile'
import { DeviceProfileSchema } from '#shared/schemas/profile'

/** `PUT /api/devices/{deviceId}` with a `DeviceProfile` -> `KnownDevice`; the picture stays as it is */
export default defineEventHandler(async (event): Promise<KnownDevice> => {
  const deviceId = requireDeviceName(event)
  const { registry } = useLeitstand()
  const refusal = await registry.put(deviceId, await requireBody(event, DeviceProfileSchema, MAX_PROFILE_BYTES))
  return refusal ? refuse(refusal) : registry.get(deviceId)
})
