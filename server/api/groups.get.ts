import type { Groups } from '#shared/schemas/profile'

/** `GET /api/groups` -> groups with the number of their devices, sorted by name */
export default defineEventHandler((): Groups => useLeitstand().registry.groups())
