import { SERVER_TIME_HEADER } from '#shared/schemas/access'
import type { Session } from '#shared/schemas/access'

/** `GET /api/session` -> the principal, whether an account exists, and the server's time */
export default defineEventHandler((event): Session => {
  setResponseHeaders(event, { 'cache-control': 'no-store', [SERVER_TIME_HEADER]: new Date().toISOString() })
  return useLeitstand().accounts.describe(visitorFor(event).principal)
})
