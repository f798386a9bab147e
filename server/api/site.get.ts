import type { SharedProfile } from '#shared/schemas/profile'

/** `GET /api/site` -> what holds for all devices */
export default defineEventHandler((): SharedProfile => useLeitstand().registry.site())
