import type { Health } from '#shared/schemas/health'

/** `GET /api/health` -> 200 when messages can arrive, else 503 with the reason */
export default defineEventHandler((event): Health => {
  const health = useLeitstand().health()
  setResponseStatus(event, health.status === 'ok' ? 200 : 503)
  return health
})
