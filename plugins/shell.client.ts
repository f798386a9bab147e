/** Lets the browser show something while the server is away. In development it would only be in the way. */
export default defineNuxtPlugin({
  name: 'leitstand:shell',
  setup() {
    if (import.meta.dev || !('serviceWorker' in navigator)) return
    // Refused where the page is not served securely; it then goes on without.
    onNuxtReady(() => void navigator.serviceWorker.register(`${useRuntimeConfig().app.baseURL}sw.js`, { updateViaCache: 'none' }).catch(() => {}))
  },
})
