import type { Session } from '#shared/schemas/access'

/** `GET /api/session` -> who asks, and whether an account exists */
export default defineEventHandler((event): Session => {
  setResponseHeader(event, 'cache-control', 'no-store')
  return useLeitstand().accounts.describe(visitorFor(event).guest)
})
