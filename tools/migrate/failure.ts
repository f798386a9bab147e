import { HistoryError, inWords } from '../../server/history/postgres/errors.ts'
import type { Query } from '../../server/history/postgres/connections.ts'
import { BackupFailure, primaryCode } from '../backup/failure.ts'

/** What keeps a history from being moved, in one sentence fit to show. */
export class MigrateFailure extends Error {}

const AWAY = /^PostgreSQL cannot be reached/

/** Runs a step in PostgreSQL; what it complains about becomes a {@link HistoryError}. */
export async function inDatabase<T>(step: () => Promise<T>): Promise<T> {
  try {
    return await step()
  }
  catch (error) {
    if (error instanceof MigrateFailure || error instanceof HistoryError) throw error
    throw new HistoryError(inWords(error), { cause: error })
  }
}

/** The same of every statement of a connection. */
export function toldInWords(query: Query): Query {
  return (text, values) => inDatabase(() => query(text, values))
}

/** The sentence of an error that is fit to show, about this tool's options; undefined: it is a mistake of this program. */
export function sentenceOf(error: unknown): string | undefined {
  if (error instanceof MigrateFailure || error instanceof BackupFailure) return error.message
  if (error instanceof HistoryError) {
    return AWAY.test(error.message) ? 'PostgreSQL cannot be reached, or is gone; check that it runs, and the address of --to. The same command then goes on where it was.' : error.message.replaceAll('NUXT_DATABASE_URL', '--to')
  }
  if (error instanceof Error && primaryCode(error) !== undefined) return `The history of --from cannot be read: ${error.message}.`
  return undefined
}
