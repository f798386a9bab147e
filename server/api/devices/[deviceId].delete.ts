import type { ForgottenDevice } from '#shared/schemas/events'

/** `DELETE /api/devices/{deviceId}` -> `ForgottenDevice`: everything of it goes, unless it is brought back in time; 404 when nothing is known of it */
export default defineEventHandler(async (event): Promise<ForgottenDevice> => {
  const deviceId = requireDeviceName(event)
  const answer = await useLeitstand().forgetting.forget(deviceId) ?? refuse({ code: 'device-unknown', message: `Nothing is known of a device “${deviceId.slice(0, 128)}”.` })
  return 'code' in answer ? refuse(answer) : answer
})
