import { createError, getQuery, getRequestHeader, setResponseHeader, setResponseStatus } from 'h3'
import type { H3Event } from 'h3'
import type { z } from 'zod'
import type { DeviceState } from '#shared/schemas/device'
import { namesTag } from './conditional'
import { pathSegmentAfter } from './h3-guards'
import { useLeitstand } from './leitstand'
import { invisibleError, deviceScopeFor } from './device-scope'

/** The device named in the path, or a 404; whether the visitor may see it was checked before. */
export function requireDevice(event: H3Event): DeviceState {
  const deviceId = pathSegmentAfter(event, '/api/sensors/')
  const device = useLeitstand().fleet.get(deviceId)
  if (!device && deviceScopeFor(event)) throw invisibleError(event)
  if (!device) {
    throw createError({
      statusCode: 404,
      message: `No device “${deviceId.slice(0, 128)}” has been heard since the server started.`,
      data: { code: 'device-unknown' },
    })
  }
  return device
}

/** The history, or a 503 that says that it is off. */
export function requireHistory() {
  const { history } = useLeitstand()
  if (!history?.isOpen()) {
    throw createError({
      statusCode: 503,
      message: history?.fault() ?? 'The history is off: the application runs with NUXT_HISTORY=off.',
      data: { code: 'history-unavailable' },
    })
  }
  return history
}

/** The query of a request in the requested shape, or a 400 that names the parameter. */
export function requireQuery<T extends z.ZodType>(event: H3Event, schema: T): z.output<T> {
  const result = schema.safeParse(getQuery(event))
  if (result.success) return result.data
  const faults = result.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`)
  throw createError({ statusCode: 400, message: `The query is not usable. ${faults.join('; ')}.`, data: { code: 'query-invalid' } })
}

/** Whether the client has the answer with this tag; then the response is a 304 with it, and `null` its body. */
export function isUnchanged(event: H3Event, tag: string): boolean {
  if (!namesTag(getRequestHeader(event, 'if-none-match'), tag)) return false
  setResponseStatus(event, 304)
  setResponseHeader(event, 'etag', tag)
  return true
}

/** The `Link` header (RFC 8288) to the next page, from `cursor` on. */
export function nextLink(event: H3Event, cursor: string): string {
  const [, path, search] = /^([^?]*)(.*)$/s.exec(event.node.req.originalUrl ?? '') ?? []
  const parameters = new URLSearchParams(search)
  parameters.set('cursor', cursor)
  return `<${path}?${parameters}>; rel="next"`
}

/** Sends a body of several pieces without joining them; the headers are set, its length among them. */
export function sendPieces(event: H3Event, pieces: readonly Buffer[]) {
  const { res } = event.node
  res.cork()
  for (const piece of pieces) res.write(piece)
  res.end()
}
