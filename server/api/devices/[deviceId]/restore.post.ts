import type { KnownDevice } from '#shared/schemas/profile'

/** `POST /api/devices/{deviceId}/restore` -> `KnownDevice`: a forgotten device is there again as it was; 404 when it is too late */
export default defineEventHandler(async (event): Promise<KnownDevice> => {
  const deviceId = requireDeviceName(event)
  const answer = await useLeitstand().forgetting.restore(deviceId) ?? refuse({ code: 'device-unknown', message: `There is no forgotten device “${deviceId.slice(0, 128)}” that could be brought back.` })
  return 'code' in answer ? refuse(answer) : answer
})
