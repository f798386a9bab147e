import { randomBytes } from 'node:crypto'
import { useShell } from '../utils/shell'

declare module 'h3' {
  interface H3EventContext {
    /** By which a browser knows the scripts of this page that are ours. */
    nonce?: string
  }
}

const NONCE_BYTES = 16

/**
 * Gives every page a nonce and the policy that names it. Most tags get it as they are made
 * (`plugins/nonce.server.ts`); here those that modules add afterwards. HTML rendered by Vue is left alone: an
 * injected script there must not get one.
 */
export default defineNitroPlugin(({ hooks }) => {
  // Vite's client brings scripts and sockets of its own.
  if (import.meta.dev) return
  hooks.hook('render:before', ({ event }) => {
    event.context.nonce = randomBytes(NONCE_BYTES).toString('base64')
  })
  hooks.hook('render:html', (html, { event }) => {
    const { nonce } = event.context
    if (!nonce) return
    for (const part of ['head', 'bodyAppend'] as const) html[part] = html[part].map(text => text.replace(/^<script(?! nonce)(?=[\s>])/, `<script nonce="${nonce}"`))
    setResponseHeader(event, 'content-security-policy', useShell().pagePolicy(nonce, event.node.req.headers))
  })
  hooks.hook('render:response', ({ headers }) => {
    delete headers?.['x-powered-by']
  })
})
