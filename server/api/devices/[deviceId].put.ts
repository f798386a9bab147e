import type { KnownDevice } from '#shared/schemas/profile'
import { DeviceProfileSchema } from '#shared/schemas/profile'

/**
 * `PUT /api/devices/{deviceId}` with a `DeviceProfile` -> `KnownDevice`; the picture stays as it is. A device can be
 * moved only between labels within the visitor's scope
 */
export default defineEventHandler(async (event): Promise<KnownDevice> => {
  const deviceId = requireDeviceName(event)
  const { registry } = useLeitstand()
  const profile = await requireBody(event, DeviceProfileSchema, MAX_PROFILE_BYTES)
  requireLabels(event, profile)
  const refusal = await registry.put(deviceId, profile, () => canSeeFor(event)?.(deviceId) !== false)
  if (refusal?.code === 'device-unknown') throw invisibleError(event)
  return refusal ? refuse(refusal) : registry.get(deviceId)
})
