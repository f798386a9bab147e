import type { App, H3Event } from 'h3'
import { isForPrograms } from '#shared/api/access'

/** Clients send little: a larger frame is refused before it is read. */
const MAX_INBOUND_FRAME_BYTES = 65_536

/**
 * A thousand frames that arrive at once are handled one by one, with other work in between, and we answer pings
 * ourselves.
 */
const ONE_BY_ONE = { allowSynchronousEvents: false, autoPong: false }

/** WebSocket upgrades are only for the routes that handle them; h3 would accept any path and leave it open. */
export function refuseForeignUpgrades(app: App) {
  // The node adapter hands `serverOptions` to `ws`; the type of the other adapters does not know it.
  const guarded: App['websocket'] & { serverOptions: object } = {
    ...app.websocket,
    serverOptions: { maxPayload: MAX_INBOUND_FRAME_BYTES, ...ONE_BY_ONE },
    async resolve(info) {
      const hooks = await hooksAt(app, pathOf(info))
      if (hooks?.open || hooks?.message) return hooks
      return {
        upgrade() {
          throw new Response(null, { status: 404, statusText: 'Not Found' })
        },
      }
    },
  }
  Object.defineProperty(app, 'websocket', { value: guarded })
}

/** Of a request, or of a connection that was opened by one. */
function pathOf(info: object): string {
  const request: unknown = Reflect.get(info, 'request') ?? info
  const url: unknown = typeof request === 'object' && request !== null ? Reflect.get(request, 'url') : undefined
  return new URL(typeof url === 'string' ? url : '/', 'ws://localhost').pathname
}

/**
 * The route that h3 would find; its own search stops at the first middleware unless everything is at the top level.
 */
async function hooksAt(app: App, path: string) {
  for (const { route, handler } of app.stack) {
    if (!handler.__resolve__ || !path.startsWith(route)) continue
    const found = await handler.__resolve__(route === '/' ? path : path.slice(route.length) || '/')
    if (found?.handler?.__websocket__) return found.handler.__websocket__
  }
  return undefined
}

/**
 * Settings of h3's routing for the API before it starts: HEAD is answered like GET, `config` is the same for all
 * requests, and h3 1.15 decodes the path before routing, so that an encoded `?` inside a deviceId would start the query: keep it encoded
 * until the route is found. {@link pathSegmentAfter} then reads the name from the address as it was sent. `baseURL` ends with a slash.
 */
export function prepareRouting(app: App, config: object, baseURL = '/') {
  const { handler } = app
  const guarded: App['handler'] = Object.assign((event: H3Event) => {
    const [path = ''] = event.path.split('?', 1)
    if (path.startsWith(baseURL) && isForPrograms(path.slice(baseURL.length - 1))) {
      // In the query it stays as it is: that is decoded once.
      event._path = event.path.replace(/^[^?]*/, path => path.replaceAll(/%3f/gi, '%253F'))
      // Node sends only the head of the response; h3 has no route for it.
      if (event.method === 'HEAD') event._method = 'GET'
      // Otherwise the translations' hook makes Nitro read every setting from the environment again: two thirds of a
      // short request.
      event.context.nitro = { errors: [], runtimeConfig: config }
    }
    return handler(event)
  }, handler)
  app.handler = guarded
}

/** The decoded path segment after `prefix` in the address as it was sent; a broken encoding stays as it is. */
export function pathSegmentAfter(event: H3Event, prefix: string): string {
  const sent = event.node.req.originalUrl ?? ''
  const start = sent.indexOf(prefix) + prefix.length
  const segment = /^[^/?]*/.exec(sent.slice(start))?.[0] ?? ''
  try {
    return decodeURIComponent(segment)
  }
  catch {
    return segment
  }
}
