import { DevicesQuerySchema } from '#shared/schemas/device'

/** `GET /api/sensors?limit=&cursor=&q=&fields=` -> `DeviceState[]`; 304 when the client has it already */
export default defineEventHandler(async (event) => {
  const query = requireQuery(event, DevicesQuerySchema)
  const { devices, fleet } = useLeitstand()
  setResponseHeaders(event, { 'cache-control': 'no-cache', 'vary': 'Accept-Encoding' })
  if (isUnchanged(event, entityTag(fleet.revision(), query))) return null

  const { revision, pieces, bytes, encoding, next } = await devices.answer(query, preferredEncoding(getRequestHeader(event, 'accept-encoding')))
  setResponseHeaders(event, {
    'content-type': 'application/json',
    'content-length': bytes,
    'etag': entityTag(revision, query),
    ...(encoding && { 'content-encoding': encoding }),
    ...(next && { link: nextLink(event, next) }),
  })
  sendPieces(event, pieces)
})
