import type { IncomingHttpHeaders } from 'node:http'
import { defaultTextMapGetter, ROOT_CONTEXT, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api'
import type { Context, Span } from '@opentelemetry/api'
import { W3CTraceContextPropagator } from '@opentelemetry/core'
import { ATTR_ERROR_TYPE, ATTR_HTTP_REQUEST_METHOD, ATTR_HTTP_RESPONSE_STATUS_CODE, ATTR_HTTP_ROUTE, ATTR_URL_SCHEME } from '@opentelemetry/semantic-conventions'
import type { TracedRequest } from './routes'
import type { Spans } from './sdk'

const propagator = new W3CTraceContextPropagator()

/** The trace that the headers name, or none. */
export function contextOf({ isContinuing }: Pick<Spans, 'isContinuing'>, headers: IncomingHttpHeaders): Context {
  return isContinuing ? propagator.extract(ROOT_CONTEXT, headers, defaultTextMapGetter) : ROOT_CONTEXT
}

/** Neither path nor query nor address: they hold names of devices and of people, and keys. */
export function startRequest({ tracer }: Pick<Spans, 'tracer'>, { name, method, route }: TracedRequest, parent: Context, scheme: string): Span {
  const attributes = { [ATTR_HTTP_REQUEST_METHOD]: method, [ATTR_URL_SCHEME]: scheme, ...(route !== undefined && { [ATTR_HTTP_ROUTE]: route }) }
  return tracer.startSpan(name, { kind: SpanKind.SERVER, attributes }, parent)
}

/** An answer from 500 on is an error of ours, one below the asker’s. */
export function endRequest(span: Span, status: number) {
  span.setAttribute(ATTR_HTTP_RESPONSE_STATUS_CODE, status)
  if (status >= 500) span.setAttribute(ATTR_ERROR_TYPE, String(status)).setStatus({ code: SpanStatusCode.ERROR })
  span.end()
}

interface StreamEnd {
  transport: 'websocket' | 'sse'
  seconds: number
  /** Of the WebSocket’s close frame. */
  code?: number | undefined
}

/** A span without a length, below that of the opening. */
export function noteStreamEnd({ tracer }: Pick<Spans, 'tracer'>, opening: Span, { transport, seconds, code }: StreamEnd) {
  const attributes = { 'leitstand.stream.transport': transport, 'leitstand.stream.seconds': seconds, ...(code !== undefined && { 'leitstand.stream.close_code': code }) }
  tracer.startSpan('stream end', { attributes }, trace.setSpan(ROOT_CONTEXT, opening)).end()
}
