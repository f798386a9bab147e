/** What the server refuses as a page is not shown without it either. */
export default defineNuxtRouteMiddleware((to) => {
  const { session, mayVisit } = useAccess()
  // The server has decided already.
  if (import.meta.server || mayVisit(to.path)) return
  if (session.value.role === null) return navigateTo({ path: '/login', query: { to: to.fullPath } })
  return abortNavigation(createError({ statusCode: 403, fatal: true }))
})
