import { existsSync, mkdirSync, renameSync, statSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { pathToFileURL } from 'node:url'
import { isUnwritable, whyUnwritable } from '../engine/errors'
import { takeMarks } from '../marks'
import { completeDocuments, migrate, requireCurrent } from './migrations'

const CACHE_KIB = 8_192
/** Larger files are not checked at start: damage in them shows when a read meets it. */
const CHECKED_BYTES = 67_108_864
const DAMAGED = /malformed|not a database|disk image|corrupt|unsupported file format/i
const PROBE = 'BEGIN IMMEDIATE; INSERT INTO meta (key, value) VALUES (\'probe\', 1) ON CONFLICT (key) DO UPDATE SET value = value + 1; COMMIT'

export interface Opened {
  database: DatabaseSync
  /** Why it can only be read, as a sentence; null: it can be written. */
  unwritable: string | null
}

/**
 * Opens the history's database and migrates it to the current schema. A damaged file is renamed, never deleted,
 * `onDamaged` is called, and a new file takes its place. If the disk refuses writes, it is opened for reading.
 * @throws when it cannot be opened or is from a newer application.
 */
export function openDatabase(file: string, onDamaged: (movedTo: string) => void): Opened {
  try {
    mkdirSync(dirname(file), { recursive: true })
    return { database: openSound(file), unwritable: null }
  }
  catch (error) {
    if (isUnwritable(error) && existsSync(file)) return openForReading(file, error)
    if (!isDamaged(error) || !existsSync(file)) throw error
    const damaged = setAside(file)
    onDamaged(damaged)
    const database = openSound(file)
    rescueMarks(damaged, database)
    return { database, unwritable: null }
  }
}

function rescueMarks(damaged: string, database: DatabaseSync) {
  let old: DatabaseSync | undefined
  try {
    old = new DatabaseSync(damaged, { readOnly: true })
    takeMarks(old, database)
  }
  catch {
    // Too little can be read: the new file is another installation.
  }
  old?.close()
}

/** Whether a file that could only be read can be written now. */
export function canBeWritten(file: string): boolean {
  let database: DatabaseSync | undefined
  try {
    database = new DatabaseSync(file)
    database.exec('PRAGMA journal_mode = WAL')
    probe(database)
    return true
  }
  catch {
    return false
  }
  finally {
    database?.close()
  }
}

/** Writes a little, to test whether that works. @throws when it does not. */
export function probe(database: DatabaseSync) {
  database.exec(PROBE)
}

function openSound(file: string): DatabaseSync {
  const database = new DatabaseSync(file)
  try {
    // Must come before the first table: it lets pruning return space step by step.
    database.exec('PRAGMA auto_vacuum = INCREMENTAL')
    // A commit does not wait for the disk: with full durability, `../engine/fsync.ts` does, outside the event loop.
    database.exec(`PRAGMA journal_mode = WAL; PRAGMA synchronous = normal; ${IN_MEMORY}`)
    requireSound(database, file)
    migrate(database)
    completeDocuments(database)
    probe(database)
    return database
  }
  catch (error) {
    database.close()
    throw error
  }
}

const IN_MEMORY = `PRAGMA cache_size = -${CACHE_KIB}; PRAGMA temp_store = MEMORY`

/** As it is. If SQLite cannot have its shared memory beside the file, without the contents of the write-ahead log. */
function openForReading(file: string, why: unknown): Opened {
  try {
    return { database: readable(file, file), unwritable: whyUnwritable(why) }
  }
  catch (error) {
    if (!isUnwritable(error)) throw error
    const url = pathToFileURL(resolve(file))
    url.searchParams.set('immutable', '1')
    const isBehind = (statSync(`${file}-wal`, { throwIfNoEntry: false })?.size ?? 0) > 0
    const database = readable(url, file)
    return { database, unwritable: whyUnwritable(why) + (isBehind ? ' Until then what was stored last may be missing: it lies in the write-ahead log, which cannot be read so.' : '') }
  }
}

function readable(target: string | URL, file: string): DatabaseSync {
  const database = new DatabaseSync(target, { readOnly: true })
  try {
    database.exec(IN_MEMORY)
    requireSound(database, file)
    requireCurrent(database)
    return database
  }
  catch (error) {
    database.close()
    throw error
  }
}

function requireSound(database: DatabaseSync, file: string) {
  if (statSync(file).size > CHECKED_BYTES) return
  const check = database.prepare('PRAGMA quick_check(1)').get()
  if (check?.quick_check !== 'ok') throw new Error('database disk image is malformed')
}

function isDamaged(error: unknown): boolean {
  return error instanceof Error && DAMAGED.test(error.message)
}

function setAside(file: string): string {
  const stamp = new Date().toISOString().replaceAll(/[:.]/g, '-')
  const target = `${file}.damaged-${stamp}`
  for (const suffix of ['', '-wal', '-shm']) {
    if (existsSync(file + suffix)) renameSync(file + suffix, target + suffix)
  }
  return target
}
