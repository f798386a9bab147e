import type { Storage } from '#shared/schemas/storage'

/** `GET /api/storage` -> size, what is stored since when, growth, what takes most */
export default defineEventHandler((): Promise<Storage> => requireHistory().storage())
