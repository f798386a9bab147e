/**
 * Renders the address as the browser sent it. h3 decodes the path and Nuxt encodes it again, which is not the same for
 * `%` and `?`: the page of the device `100%` would be rendered for `100%25`.
 */
export default defineNuxtPlugin({
  name: 'leitstand:address',
  enforce: 'pre',
  // Before the router reads it.
  order: -50,
  setup(nuxtApp) {
    const { ssrContext } = nuxtApp
    const sent = ssrContext?.event.node.req.originalUrl
    if (!ssrContext || !sent || sent.startsWith('/__nuxt_error')) return
    ssrContext.url = sent.slice(useRuntimeConfig().app.baseURL.length - 1)
    nuxtApp.payload.path = ssrContext.url
  },
})
