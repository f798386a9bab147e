import type { RecentMessages } from '#shared/schemas/device'
import { MessagesQuerySchema } from '#shared/schemas/device'
import { answerMessages } from '../../../leitstand/questions'

/** `GET /api/sensors/{deviceId}/messages?limit=&before=` -> `{ deviceId, messages, next }`, newest first */
export default defineEventHandler((event): Promise<RecentMessages> => {
  const { deviceId } = requireDevice(event)
  const { limit, before } = requireQuery(event, MessagesQuerySchema)
  const { history, recent } = useLeitstand()
  return answerMessages(history, recent, deviceId, limit, before)
})
