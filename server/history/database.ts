import { existsSync, mkdirSync, renameSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { migrate } from './migrations'

const CACHE_KIB = 8_192
/** Larger files are not read through at start: damage in them shows when it is met. */
const CHECKED_BYTES = 67_108_864
const DAMAGED = /malformed|not a database|disk image|corrupt/i

/**
 * Opens the history's database and brings it to the current schema. A damaged file is set aside under another name, never
 * deleted, and `onDamaged` is told; a new one takes its place.
 * @throws when it cannot be opened or is from a newer application.
 */
export function openDatabase(file: string, onDamaged: (movedTo: string) => void): DatabaseSync {
  mkdirSync(dirname(file), { recursive: true })
  try {
    return openSound(file)
  }
  catch (error) {
    if (!(error instanceof Error && DAMAGED.test(error.message)) || !existsSync(file)) throw error
    onDamaged(setAside(file))
    return openSound(file)
  }
}

function openSound(file: string): DatabaseSync {
  const database = new DatabaseSync(file)
  try {
    // Must come before the first table: it lets pruning give space back bit by bit.
    database.exec('PRAGMA auto_vacuum = INCREMENTAL')
    // A commit does not wait for the disk: where durability asks for it, `sync.ts` does, without holding the event loop.
    database.exec(`PRAGMA journal_mode = WAL; PRAGMA synchronous = normal; PRAGMA cache_size = -${CACHE_KIB}; PRAGMA temp_store = MEMORY`)
    if (statSync(file).size <= CHECKED_BYTES) {
      const check = database.prepare('PRAGMA quick_check(1)').get()
      if (check?.quick_check !== 'ok') throw new Error('database disk image is malformed')
    }
    migrate(database)
    return database
  }
  catch (error) {
    database.close()
    throw error
  }
}

function setAside(file: string): string {
  const stamp = new Date().toISOString().replaceAll(/[:.]/g, '-')
  const target = `${file}.damaged-${stamp}`
  for (const suffix of ['', '-wal', '-shm']) {
    if (existsSync(file + suffix)) renameSync(file + suffix, target + suffix)
  }
  return target
}
