import type { Token } from '#shared/schemas/access'

/** `GET /api/tokens` -> `Token[]`: one's own, for an admin all, the newest first */
export default defineEventHandler((event): Token[] => useLeitstand().accounts.tokens(requirePrincipal(event)))
