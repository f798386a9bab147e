import { Readable } from 'node:stream'
import { EXPORT_MESSAGES_HEADER, ExportQuerySchema } from '#shared/schemas/history'
import { rangeOf } from '../../../leitstand/questions'
import { exportLines } from '../../../leitstand/export'

/**
 * `GET /api/sensors/{deviceId}/export?format=csv|csv-de|jsonl&metric=&from=&to=&zone=` -> every sample of the range,
 * streamed
 */
export default defineEventHandler(async (event) => {
  const { deviceId } = requireDevice(event)
  const history = requireHistory()
  const { format, metric, zone, ...range } = requireQuery(event, ExportQuerySchema)
  const { from, to } = rangeOf(range)
  const { registry } = useLeitstand()
  const { messages, lines } = await exportLines(history, registry, deviceId, { format, metric, zone, from, to })
  const ending = format === 'jsonl' ? 'jsonl' : 'csv'
  setResponseHeaders(event, {
    'content-type': format === 'jsonl' ? 'application/jsonl; charset=utf-8' : 'text/csv; charset=utf-8',
    'content-disposition': `attachment; filename*=UTF-8''${encodeURIComponent(deviceId)}.${ending}`,
    [EXPORT_MESSAGES_HEADER]: String(messages),
  })
  return sendStream(event, Readable.from(lines))
})
