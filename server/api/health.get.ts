import type { HealthAnswer } from '#shared/schemas/health'

/**
 * `GET /api/health` -> 200 when messages can arrive, else 503 with the reason; visitors without access to everything
 * get no more than that
 */
export default defineEventHandler((event): HealthAnswer => {
  const health = useLeitstand().health()
  setResponseStatus(event, health.status === 'ok' ? 200 : 503)
  const { principal } = visitorFor(event)
  return principal && !principal.deviceScope ? health : { status: health.status }
})
