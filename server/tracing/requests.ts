import type { IncomingHttpHeaders, IncomingMessage } from 'node:http'
import { defaultTextMapGetter, ROOT_CONTEXT, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api'
import type { Context, Span } from '@opentelemetry/api'
import { W3CTraceContextPropagator } from '@opentelemetry/core'
import { ATTR_ERROR_TYPE, ATTR_HTTP_REQUEST_METHOD, ATTR_HTTP_RESPONSE_STATUS_CODE, ATTR_HTTP_ROUTE, ATTR_URL_SCHEME } from '@opentelemetry/semantic-conventions'
import { isError } from 'h3'
import type { App, H3Event } from 'h3'
import { tracedRequest } from './routes'
import type { TracedRequest } from './routes'
import type { Spans } from './sdk'
import { noteStreamEnd } from './streams'

declare module 'h3' {
  interface H3EventContext {
    /** Where requests are traced: to be called when a stream has begun, which goes on long after it has been answered. */
    answered?: () => void
  }
}

const propagator = new W3CTraceContextPropagator()

/** Has every request answered within a span: of the API and of pages, by the template of their route. `baseURL` ends with a slash. */
export function traceRequests(app: App, spans: Spans, baseURL: string) {
  const { handler } = app
  const traced: App['handler'] = Object.assign((event: H3Event) => {
    const { req } = event.node
    const [path = ''] = event.path.split('?', 1)
    const request = tracedRequest(req.method ?? 'GET', path.startsWith(baseURL) ? path.slice(baseURL.length - 1) : path)
    return request ? answerWithin(event, request) : handler(event)
  }, handler)
  app.handler = traced

  async function answerWithin(event: H3Event, request: TracedRequest) {
    const { req, res } = event.node
    // A page asks questions of its own while it is made.
    const parent = spans.within.getStore() ?? contextOf(spans, req.headers)
    const span = startRequest(spans, request, parent, schemeOf(req))
    const context = trace.setSpan(parent, span)
    let beganAt: number | undefined
    event.context.answered = () => {
      beganAt = performance.now()
      endRequest(span, res.statusCode)
    }
    try {
      const answer: unknown = await spans.within.run(context, () => handler(event))
      if (beganAt === undefined) endRequest(span, res.statusCode)
      return answer
    }
    catch (error) {
      if (beganAt === undefined) endRequest(span, isError(error) ? error.statusCode : 500)
      throw error
    }
    finally {
      if (beganAt !== undefined) noteStreamEnd(spans, span, { transport: 'sse', seconds: (performance.now() - beganAt) / 1_000 })
    }
  }
}

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

export function schemeOf({ socket }: IncomingMessage): string {
  return Reflect.get(socket, 'encrypted') === true ? 'https' : 'http'
}
