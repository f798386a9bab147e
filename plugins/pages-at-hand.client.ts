/** By then the first page is there and at rest. */
const AFTER_MS = 10_000

/** Fetches the scripts of all pages once the first one is at rest: whoever changes the page while the server is away still gets there. */
export default defineNuxtPlugin(() => {
  const { getRoutes } = useRouter()
  onNuxtReady(() => void setTimeout(() => {
    // Without the server they are asked for again when somebody goes there.
    for (const { path } of getRoutes()) void preloadRouteComponents(path.replace(/:\w+\(.*?\)\*?/, '-')).catch(() => undefined)
  }, AFTER_MS))
})
