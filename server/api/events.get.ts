import { randomUUID } from 'node:crypto'
import { createError, getRequestURL, setResponseHeader } from 'h3'
import type { H3Event } from 'h3'
import { fromMicroseconds } from '#shared/time/time'
import { SERVER_SENT } from '../stream/frames'
import { readStreamQuery } from '../stream/request'
import type { StreamClient } from '../stream/subscriber'

/** The client may have left meanwhile. */
const RETRY_SECONDS = 15

/** `GET /api/events`: the stream of `/ws/events` as server-sent events, for `curl -N` and where sockets are blocked. */
export default defineEventHandler(async (event) => {
  const { accounts, hub, replays, limits } = useLeitstand()
  const { req, res } = event.node
  const query = new URLSearchParams(getRequestURL(event).search)
  // Browsers send this on their own when they reconnect.
  const last = req.headers['last-event-id']
  if (typeof last === 'string' && !query.get('after')) query.set('after', last)
  const wanted = readStreamQuery(query, limits)
  if (typeof wanted === 'string') throw createError({ statusCode: 400, message: `The query is not usable. ${wanted}.`, data: { code: 'query-invalid' } })

  await untilApplied(wanted.after)
  if (wanted.replay) await requirePointInTime(fromMicroseconds(wanted.replay.at))
  const crowd = wanted.replay ? undefined : hub.limitReachedFor(clientAddress(req))
  if (crowd) throw tooManyStreams(event, crowd)
  res.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8', 'cache-control': 'no-store', 'x-accel-buffering': 'no' })
  if (req.method === 'HEAD') return void res.end()
  res.flushHeaders()
  const id = randomUUID()
  // Read only now: the rights may have changed while the time was looked up.
  const { principal } = visitorOf(req)
  if (!principal) return void res.destroy()
  const options = { ...wanted.options, deviceScope: principal.deviceScope }
  const stop = accounts.onRevoked(principal, () => res.destroy())
  res.on('close', () => {
    stop()
    hub.remove(id)
    replays.remove(id)
  })
  const client: StreamClient = {
    id,
    address: clientAddress(req),
    framing: SERVER_SENT,
    write: frames => void res.write(frames),
    close: () => res.destroy(),
    bufferedBytes: () => res.writableLength,
    receivedBytes: () => undefined,
  }
  if (wanted.replay) replays.add(client, options, wanted.replay)
  else if (!hub.add(client, options, wanted.after)) countTooManyStreams()
  event.context.answered?.()
  // The response stays open until client or server closes it.
  return new Promise<void>(resolve => res.on('close', resolve))
})

function tooManyStreams(event: H3Event, crowd: 'all' | 'address') {
  countTooManyStreams()
  setResponseHeader(event, 'retry-after', RETRY_SECONDS)
  return crowd === 'all'
    ? createError({ statusCode: 503, message: 'There are as many stream clients as NUXT_LIMITS_STREAM_CLIENTS allows.', data: { code: 'streams-too-many' } })
    : createError({ statusCode: 429, message: 'There are as many stream clients from this address as NUXT_LIMITS_STREAM_CLIENTS_PER_ADDRESS allows.', data: { code: 'streams-too-many' } })
}
