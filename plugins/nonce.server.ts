/** Zod would try whether it may make code of text, before any plugin runs; our policy forbids it, and browsers would report us. */
const NO_CODE_OF_TEXT = 'globalThis.__zod_globalConfig={jitless:true}'

/** Gives every script that is made for the page its nonce, among them the state that Nuxt hands over. */
export default defineNuxtPlugin({
  name: 'leitstand:nonce',
  enforce: 'pre',
  setup({ ssrContext }) {
    const nonce = ssrContext?.event.context.nonce
    if (!ssrContext || !nonce) return
    ssrContext.head.push({ script: [{ innerHTML: NO_CODE_OF_TEXT, tagPosition: 'head', tagPriority: 'critical' }] })
    ssrContext.head.use({
      key: 'nonce',
      hooks: {
        'ssr:render': ({ tags }) => {
          for (const { tag, props } of tags) if (tag === 'script') props.nonce = nonce
        },
      },
    })
  },
})
