import type { KnownDevice } from '#shared/schemas/profile'

/** `PUT /api/devices/{deviceId}/picture` with the bytes of a PNG, JPEG or WebP -> `KnownDevice` */
export default defineEventHandler(async (event): Promise<KnownDevice> => {
  const deviceId = requireDeviceName(event)
  const { registry, limits } = useLeitstand()
  const refusal = await registry.putPicture(deviceId, await requireBytes(event, limits.pictureBytes))
  return refusal ? refuse(refusal) : registry.get(deviceId)
})
