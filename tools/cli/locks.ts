import { resolve } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { FolderTaken, hasLock, lockFolder } from '../../server/leitstand/folder-lock.ts'
import { CommandFailure, sqliteCode } from './failure.ts'

const SQLITE_BUSY = 5
/** Corrupt, not a database: nobody can be working with it. */
const SQLITE_DAMAGED = [11, 26]

/** Keeps servers out of a data folder until the returned function is called. @throws {CommandFailure} when one is there. */
export function lockData(data: string): () => void {
  // A file that root left there would be in the way of the server.
  if (!hasLock(data)) return () => {}
  try {
    return lockFolder(data, 0).release
  }
  catch (error) {
    if (!(error instanceof FolderTaken)) throw error
    throw new CommandFailure(`The data folder ${resolve(data)} is in use by ${error.who.replace('Another', 'another')}: stop the server first.`, { cause: error })
  }
}

/**
 * Keeps everybody else out of a database until the returned function is called; that also folds its write-ahead log into it.
 * In exclusive mode SQLite wants the file for itself: also a program that does nothing with it is noticed.
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
    const code = sqliteCode(error) ?? 0
    if (code === SQLITE_BUSY) throw new CommandFailure(`The history in ${file} is in use: stop the server first.`, { cause: error })
    if (SQLITE_DAMAGED.includes(code)) return () => {}
    throw error
  }
}
