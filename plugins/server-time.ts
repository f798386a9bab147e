/** The page and its browser begin with the same time, the server's. */
export default defineNuxtPlugin({
  name: 'leitstand:server-time',
  setup() {
    if (import.meta.server) useServedAt()
    else beginWithServedTime()
  },
})
