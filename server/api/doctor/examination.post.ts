import type { Examination } from '#shared/schemas/doctor'

/** `POST /api/doctor/examination` -> what else the broker carries, looked at for five seconds */
export default defineEventHandler((): Promise<Examination> => {
  const examination = useLeitstand().doctor.examine()
  if (examination) return examination
  throw createError({ statusCode: 503, message: 'There is no connection to the broker; GET /api/doctor says why.', data: { code: 'broker-unavailable' } })
})
