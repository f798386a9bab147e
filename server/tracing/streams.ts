import type { Span } from '@opentelemetry/api'
import type { Hooks } from 'crossws'
import type { App } from 'h3'
import { contextOf, endRequest, noteStreamEnd, startRequest } from './request-spans'
import type { Spans } from './sdk'

const UPGRADE = { name: 'GET /ws/events', method: 'GET', route: '/ws/events' }
const SWITCHING = 101

interface Upgrade { span: Span, openedAt: number | undefined }

/**
 * Makes a span for every WebSocket: from its upgrade until the initial data is sent. Its end is a point in the same
 * trace, for a span of hours would be visible only when it is over.
 */
export function traceStreams(app: App, spans: Spans) {
  const { resolve } = app.websocket
  // By the hooks of a route, which come with every message.
  const traced = new WeakMap<object, Partial<Hooks>>()
  // By the object that the adapter holds for a connection from its upgrade on.
  const upgrades = new WeakMap<object, Upgrade>()
  Object.assign(app.websocket, {
    async resolve(info: Parameters<NonNullable<typeof resolve>>[0]) {
      const hooks = await resolve?.(info)
      if (!hooks?.open) return hooks
      const known = traced.get(hooks) ?? traceHooks(spans, hooks, upgrades)
      traced.set(hooks, known)
      return known
    },
  })
}

function traceHooks(spans: Spans, hooks: Partial<Hooks>, upgrades: WeakMap<object, Upgrade>): Partial<Hooks> {
  return {
    ...hooks,
    async upgrade(request) {
      const span = startRequest(
        spans,
        UPGRADE,
        contextOf(spans, Object.fromEntries(request.headers)),
        new URL(request.url).protocol.replace(':', ''),
      )
      try {
        const answer = await hooks.upgrade?.(request)
        upgrades.set(request.context, { span, openedAt: undefined })
        return answer
      }
      catch (refused) {
        endRequest(span, refused instanceof Response ? refused.status : 500)
        throw refused
      }
    },
    open(peer) {
      const upgrade = upgrades.get(peer.context)
      try {
        return hooks.open?.(peer)
      }
      finally {
        if (upgrade) {
          upgrade.openedAt = performance.now()
          endRequest(upgrade.span, SWITCHING)
        }
      }
    },
    close(peer, details) {
      const upgrade = upgrades.get(peer.context)
      if (upgrade?.openedAt !== undefined) noteStreamEnd(
        spans,
        upgrade.span,
        { transport: 'websocket', seconds: (performance.now() - upgrade.openedAt) / 1_000, code: details.code },
      )
      return hooks.close?.(peer, details)
    },
  }
}
