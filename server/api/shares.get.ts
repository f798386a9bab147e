import type { Share } from '#shared/schemas/access'

/** `GET /api/shares` -> `Share[]`: one's own links, for an admin all, the newest first */
export default defineEventHandler((event): Share[] => useLeitstand().accounts.shares(requirePrincipal(event)))
