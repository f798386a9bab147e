import type { IncomingMessage } from 'node:http'
import { trace } from '@opentelemetry/api'
import { isError } from 'h3'
import type { App, H3Event } from 'h3'
import { contextOf, endRequest, noteStreamEnd, startRequest } from './request-spans'
import { tracedRequest } from './routes'
import type { TracedRequest } from './routes'
import type { Spans } from './sdk'

declare module 'h3' {
  interface H3EventContext {
    /** Where requests are traced: to be called when a stream has begun, which goes on long after it has been answered. */
    answered?: () => void
  }
}

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

function schemeOf({ socket }: IncomingMessage): string {
  return Reflect.get(socket, 'encrypted') === true ? 'https' : 'http'
}
