import type { Storage } from '#shared/schemas/storage'

/** `GET /api/storage` -> size, what is kept since when, what it grows by, what costs most */
export default defineEventHandler((): Promise<Storage> => requireHistory().storage())
