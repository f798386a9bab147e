// Owns the data folder: one process at a time. The operating system releases the lock when its owner ends, in whatever
// way; the text beside it only names the owner.
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { z } from 'zod'
import { SettingsError } from '../settings'

const LOCK_FILE = 'lock.db'
const OWNER_FILE = 'lock.json'
/** One that is just being stopped has so long to end. */
const WAIT_MS = 3_000
const BUSY = /database is locked/i
const DAMAGED = /not a database|malformed/i

const OwnerSchema = z.object({ pid: z.number(), host: z.string(), since: z.string() })

export interface FolderLock {
  release: () => void
}

/** Another process has the folder; `who` names it. */
export class FolderTaken extends SettingsError {
  readonly who: string

  constructor(who: string) {
    super(`The data folder is in use. ${who} has it; stop that one, or give this one another folder with NUXT_DATA_DIR.`)
    this.who = who
  }
}

/** Whether a server has ever locked it. */
export function hasLock(dataDir: string): boolean {
  return existsSync(join(dataDir, LOCK_FILE))
}

/** Where no lock can be written, nothing else can be either. @throws {FolderTaken} */
export function lockFolder(dataDir: string, waitMs = WAIT_MS): FolderLock {
  const owner = join(dataDir, OWNER_FILE)
  const database = open(dataDir, waitMs)
  if (!database) return { release() {} }
  try {
    writeFileSync(owner, `${JSON.stringify({ pid: process.pid, host: hostname(), since: new Date().toISOString() } satisfies z.infer<typeof OwnerSchema>)}\n`)
  }
  catch {
    // The lock holds without it.
  }
  return {
    release() {
      rmSync(owner, { force: true })
      database.close()
    },
  }
}

function open(dataDir: string, waitMs: number): DatabaseSync | undefined {
  const file = join(dataDir, LOCK_FILE)
  let database: DatabaseSync | undefined
  try {
    mkdirSync(dataDir, { recursive: true })
    database = new DatabaseSync(file, { timeout: waitMs })
    database.exec('PRAGMA journal_mode = MEMORY; PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE; CREATE TABLE IF NOT EXISTS lock (id INTEGER); COMMIT')
    return database
  }
  catch (error) {
    database?.close()
    const message = error instanceof Error ? error.message : ''
    if (BUSY.test(message)) throw new FolderTaken(ownerOf(dataDir))
    return DAMAGED.test(message) && isRemoved(file) ? open(dataDir, waitMs) : undefined
  }
}

/** The file contains nothing of value; in a read-only folder it stays. */
function isRemoved(file: string): boolean {
  try {
    rmSync(file)
    return true
  }
  catch {
    return false
  }
}

function ownerOf(dataDir: string): string {
  try {
    const { pid, host, since } = OwnerSchema.parse(JSON.parse(readFileSync(join(dataDir, OWNER_FILE), 'utf8')))
    return `Another process (${pid} on ${host}, since ${since})`
  }
  catch {
    // It has just begun, or the text is gone.
    return 'Another process'
  }
}
