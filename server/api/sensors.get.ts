import type { H3Event } from 'h3'
import { DevicesQuerySchema } from '#shared/schemas/device'
import type { DevicesQuery } from '#shared/schemas/device'
import { scopeKey } from '#shared/device/device-scope'
import { answerDevicesAt } from '../replay/point-in-time'

/** `GET /api/sensors?limit=&cursor=&q=&fields=&at=` -> `DeviceState[]`; 304 when the client has it already */
export default defineEventHandler(async (event) => {
  const { at, ...query } = requireQuery(event, DevicesQuerySchema)
  const { devices, fleet } = useLeitstand()
  setResponseHeaders(event, { 'cache-control': 'no-cache', 'vary': 'Accept-Encoding' })
  if (at !== undefined) return sendPast(event, at, query)
  const asked = askedOf(event, query)
  if (isUnchanged(event, entityTag(fleet.revision(), asked))) return null

  const {
    revision,
    ...answer
  } = await devices.answer(query, preferredEncoding(getRequestHeader(event, 'accept-encoding')), canSeeFor(event))
  sendDevices(event, answer, entityTag(revision, asked))
})

/** What an answer depends on besides the devices: with limited rights also on which of them, and where all devices belong. */
function askedOf(event: H3Event, query: Omit<DevicesQuery, 'at'>): object {
  const deviceScope = scopeKey(deviceScopeFor(event))
  return deviceScope === undefined ? query : { ...query, deviceScope, labels: useLeitstand().registry.revision() }
}

async function sendPast(event: H3Event, at: string, query: DevicesQuery) {
  await requirePointInTime(at)
  sendDevices(event, requireAnswer(await answerDevicesAt(
    useLeitstand(),
    at,
    query,
    preferredEncoding(getRequestHeader(event, 'accept-encoding')),
    canSeeFor(event),
  )))
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
