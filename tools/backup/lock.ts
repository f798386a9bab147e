import { DatabaseSync } from 'node:sqlite'
import { BackupFailure, primaryCode } from './failure.ts'

const SQLITE_BUSY = 5
/** Corrupt, not a database: nobody can be working with it. */
const SQLITE_DAMAGED = [11, 26]

/**
 * Keeps everybody else out of a database until the returned function is called; that also folds its write-ahead log into it.
 * A program that has it open is noticed even when it is doing nothing: in exclusive mode SQLite wants the file for itself.
 * @throws {BackupFailure} when another program has it open.
 */
export function lockDatabase(file: string): () => void {
  const database = new DatabaseSync(file)
  try {
    database.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE')
    return () => {
      database.exec('ROLLBACK')
      database.close()
    }
  }
  catch (error) {
    database.close()
    const code = primaryCode(error) ?? 0
    if (code === SQLITE_BUSY) throw new BackupFailure(`The history in ${file} is in use: stop the server first.`, { cause: error })
    if (SQLITE_DAMAGED.includes(code)) return () => {}
    throw error
  }
}
