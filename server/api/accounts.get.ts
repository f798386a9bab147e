import type { Account } from '#shared/schemas/access'

/** `GET /api/accounts` -> `Account[]`, sorted by name */
export default defineEventHandler((): Account[] => useLeitstand().accounts.list())
