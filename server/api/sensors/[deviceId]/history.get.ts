import type { HistoryAnswer } from '#shared/schemas/history'
import { HistoryQuerySchema } from '#shared/schemas/history'
import { answerHistory } from '../../../leitstand/questions'

/** `GET /api/sensors/{deviceId}/history?metric=&from=&to=&points=` -> `HistoryAnswer`; `&resolution=raw&limit=` for every sample */
export default defineEventHandler((event): Promise<HistoryAnswer> => {
  const { deviceId } = requireDevice(event)
  return answerHistory(requireHistory(), useLeitstand().registry, deviceId, requireQuery(event, HistoryQuerySchema))
})
