import type { Span } from '@opentelemetry/api'
import type { Hooks } from 'crossws'
import type { App } from 'h3'
import { contextOf, endRequest, noteStreamEnd, startRequest } from './request-spans'
import type { Spans } from './sdk'

const OPENING = { name: 'GET /ws/events', method: 'GET', route: '/ws/events' }
const SWITCHING = 101

interface Opening { span: Span, openedAt: number | undefined }

/**
 * Has every WebSocket opened within a span: from its upgrade until it has been told what there is. Its end is a moment in the same trace, for
 * a span of hours would be seen only when it is over.
 */
export function traceStreams(app: App, spans: Spans) {
  const { resolve } = app.websocket
  // By the hooks of a route, which come with every message.
  const traced = new WeakMap<object, Partial<Hooks>>()
  // By what the adapter keeps for a connection from its upgrade on.
  const openings = new WeakMap<object, Opening>()
  Object.assign(app.websocket, {
    async resolve(info: Parameters<NonNullable<typeof resolve>>[0]) {
      const hooks = await resolve?.(info)
      if (!hooks?.open) return hooks
      const known = traced.get(hooks) ?? traceHooks(spans, hooks, openings)
      traced.set(hooks, known)
      return known
    },
  })
}

function traceHooks(spans: Spans, hooks: Partial<Hooks>, openings: WeakMap<object, Opening>): Partial<Hooks> {
  return {
    ...hooks,
    async upgrade(request) {
      const span = startRequest(spans, OPENING, contextOf(spans, Object.fromEntries(request.headers)), new URL(request.url).protocol.replace(':', ''))
      try {
        const answer = await hooks.upgrade?.(request)
        openings.set(request.context, { span, openedAt: undefined })
        return answer
      }
      catch (refused) {
        endRequest(span, refused instanceof Response ? refused.status : 500)
        throw refused
      }
    },
    open(peer) {
      const opening = openings.get(peer.context)
      try {
        return hooks.open?.(peer)
      }
      finally {
        if (opening) {
          opening.openedAt = performance.now()
          endRequest(opening.span, SWITCHING)
        }
      }
    },
    close(peer, details) {
      const opening = openings.get(peer.context)
      if (opening?.openedAt !== undefined) noteStreamEnd(spans, opening.span, { transport: 'websocket', seconds: (performance.now() - opening.openedAt) / 1_000, code: details.code })
      return hooks.close?.(peer, details)
    },
  }
}
