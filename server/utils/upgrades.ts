import type { App } from 'h3'

/** Clients say little: a larger frame is refused before it is read. */
const MAX_INBOUND_FRAME_BYTES = 65_536

/** WebSocket upgrades are only for the routes that handle them; h3 would accept any path and leave it open. */
export function refuseForeignUpgrades(app: App) {
  const { resolve } = app.websocket
  // The node adapter hands `serverOptions` to `ws`; the type of the other adapters does not know it.
  const guarded: App['websocket'] & { serverOptions: { maxPayload: number } } = {
    ...app.websocket,
    serverOptions: { maxPayload: MAX_INBOUND_FRAME_BYTES },
    async resolve(info) {
      const hooks = await resolve?.(info) ?? {}
      if (hooks.open || hooks.message) return hooks
      return {
        upgrade() {
          throw new Response(null, { status: 404, statusText: 'Not Found' })
        },
      }
    },
  }
  Object.defineProperty(app, 'websocket', { value: guarded })
}
