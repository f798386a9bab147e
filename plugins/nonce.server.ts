/** Gives every script that is made for the page its nonce, among them the state that Nuxt hands over. */
export default defineNuxtPlugin({
  name: 'leitstand:nonce',
  enforce: 'pre',
  setup({ ssrContext }) {
    const nonce = ssrContext?.event.context.nonce
    if (!ssrContext || !nonce) return
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
