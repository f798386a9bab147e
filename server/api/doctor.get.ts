import type { Doctor } from '#shared/schemas/doctor'

/** `GET /api/doctor` -> the checks in the order of the way of a message, and the last examination */
export default defineEventHandler((): Doctor => useLeitstand().doctor.report(Date.now()))
