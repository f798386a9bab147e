import type { H3Event } from 'h3'
import { DevicesQuerySchema } from '#shared/schemas/device'
import type { DevicesQuery } from '#shared/schemas/device'
import { answerDevicesAt } from '../moments'

/** `GET /api/sensors?limit=&cursor=&q=&fields=&at=` -> `DeviceState[]`; 304 when the client has it already */
export default defineEventHandler(async (event) => {
  const { at, ...query } = requireQuery(event, DevicesQuerySchema)
  const { devices, fleet } = useLeitstand()
  setResponseHeaders(event, { 'cache-control': 'no-cache', 'vary': 'Accept-Encoding' })
  if (at !== undefined) return sendPast(event, at, query)
  if (isUnchanged(event, entityTag(fleet.revision(), query))) return null

  const { revision, ...answer } = await devices.answer(query, preferredEncoding(getRequestHeader(event, 'accept-encoding')))
  sendDevices(event, answer, entityTag(revision, query))
})

async function sendPast(event: H3Event, at: string, query: DevicesQuery) {
  await requireMoment(at)
  sendDevices(event, requireAnswer(await answerDevicesAt(useLeitstand(), at, query, preferredEncoding(getRequestHeader(event, 'accept-encoding')))))
}

interface Devices { pieces: readonly Buffer[], bytes: number, encoding: string | undefined, next: string | undefined }

function sendDevices(event: H3Event, { pieces, bytes, encoding, next }: Devices, etag?: string) {
  setResponseHeaders(event, {
    'content-type': 'application/json',
    'content-length': bytes,
    ...(etag && { etag }),
    ...(encoding && { 'content-encoding': encoding }),
    ...(next && { link: nextLink(event, next) }),
  })
  sendPieces(event, pieces)
}
