import type { Places } from '#shared/schemas/profile'

/** `GET /api/places` -> places with the number of their devices, sorted by name */
export default defineEventHandler((): Places => useLeitstand().registry.places())
