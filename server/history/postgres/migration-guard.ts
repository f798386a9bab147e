import { HistoryError } from './errors'
import type { Query } from './connections'

/** Stored in `meta` while a history is being moved into the database (`tools/migrate`). */
export const MOVING = 'moving'

/** @throws a HistoryError while only part of a history has been moved. */
export async function requireWhole(query: Query) {
  if ((await query(`SELECT 1 FROM meta WHERE key = '${MOVING}'`)).length === 0) return
  throw new HistoryError('The database of NUXT_DATABASE_URL holds half of a history: npm run migrate-history was interrupted; run it again, to its end.')
}
