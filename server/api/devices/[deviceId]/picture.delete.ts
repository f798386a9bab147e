import type { KnownDevice } from '#shared/schemas/profile'

/** `DELETE /api/devices/{deviceId}/picture` -> `KnownDevice` */
export default defineEventHandler(async (event): Promise<KnownDevice> => {
  const deviceId = requireDeviceName(event)
  const { registry } = useLeitstand()
  const refusal = await registry.putPicture(deviceId, null)
  return refusal ? refuse(refusal) : registry.get(deviceId)
})
