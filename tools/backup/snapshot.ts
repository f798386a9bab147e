import { backup, DatabaseSync } from 'node:sqlite'
import { BackupFailure, primaryCode } from './failure.ts'
import type { OnBytes } from './files.ts'

/** How long a moment in which the database is locked (it is just being opened or repaired) is waited out. */
const BUSY_MS = 5_000
/** Pages copied between two progress reports: 4 MB. */
const STEP_PAGES = 1_024
const SQLITE_NOT_A_DATABASE = 26

export interface Snapshot {
  /** Size of the copy to come, and the version of its schema. */
  bytes: number
  schema: number
  /** ISO 8601. */
  takenAt: string
  copyTo: (file: string, onBytes: OnBytes) => Promise<void>
  close: () => void
}

/**
 * The database as it is at this moment, while others go on writing to it.
 *
 * SQLite's online backup starts from the beginning whenever somebody else has committed between two of its steps, which
 * under load is always: it would never end. So the moment is held by a read transaction on the same connection: the
 * backup reads inside it, sees one state and never restarts. Writers are not held up; what they write meanwhile stays in the
 * write-ahead log, which grows until the copy is done.
 * @throws {BackupFailure} when it is no history.
 */
export function takeSnapshot(file: string): Snapshot {
  const database = new DatabaseSync(file, { timeout: BUSY_MS })
  try {
    // The snapshot is taken by the first read after BEGIN.
    database.exec('PRAGMA query_only = ON; BEGIN')
    const schema = numberOf(database, 'user_version')
    if (schema < 1) throw new BackupFailure(`${file} is not a history of Leitstand.`)
    const pageBytes = numberOf(database, 'page_size')
    const bytes = pageBytes * numberOf(database, 'page_count')
    return {
      schema,
      bytes,
      takenAt: new Date().toISOString(),
      async copyTo(target, onBytes) {
        const progress = ({ totalPages, remainingPages }: { totalPages: number, remainingPages: number }) => onBytes((totalPages - remainingPages) * pageBytes)
        await backup(database, target, { rate: STEP_PAGES, progress })
        onBytes(bytes)
      },
      close() {
        if (database.isOpen) database.close()
      },
    }
  }
  catch (error) {
    database.close()
    if (primaryCode(error) === SQLITE_NOT_A_DATABASE) throw new BackupFailure(`${file} is damaged: it is not a database.`, { cause: error })
    throw error
  }
}

function numberOf(database: DatabaseSync, pragma: string): number {
  return Number(Object.values(database.prepare(`PRAGMA ${pragma}`).get() ?? {})[0])
}
