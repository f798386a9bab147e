import type { PresenceCounts } from '#shared/schemas/device'

/** `GET /api/presence` -> how many devices there are of each presence */
export default defineEventHandler((): PresenceCounts => useLeitstand().presence.counts())
