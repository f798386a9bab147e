import { SERVER_TIME_HEADER } from '#shared/schemas/access'
import type { Session } from '#shared/schemas/access'

/** `GET /api/session` -> who asks, whether an account exists, and what time it is here */
export default defineEventHandler((event): Session => {
  setResponseHeaders(event, { 'cache-control': 'no-store', [SERVER_TIME_HEADER]: new Date().toISOString() })
  return useLeitstand().accounts.describe(visitorFor(event).principal)
})
