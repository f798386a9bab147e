// Records whether accounts exist, beside their database: if the database is damaged or missing, access stays closed.
import { closeSync, fsyncSync, openSync, readFileSync, readSync, renameSync, rmSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import type { AccountsMarker, AccountStore } from './contract'

const FILE = 'accounts.json'
const ABOUT = 'Accounts were made here. While they cannot be read, nobody may enter; `npm run admin -- give-up-accounts` gives them up.'
/** Present in every database with accounts, for one of them is an admin; documents are not compressed. */
const TRACE = Buffer.from('"role":"admin"')
const CHUNK_BYTES = 1_048_576
/** The same in the database, for servers that share it and for backups. */
const DOCUMENT = { kind: 'accounts', name: 'there' } as const

const MarkerSchema = z.object({ accounts: z.enum(['some', 'none']), at: z.iso.datetime() })
type StoredMarker = z.infer<typeof MarkerSchema>
type Answer = StoredMarker['accounts']

/** A marker that cannot be read counts as "some". */
const IN_DOUBT: StoredMarker = { accounts: 'some', at: new Date(0).toISOString() }

export interface AccountsMarkerOptions {
  folder: string
  /** The database in the folder; undefined: it is elsewhere. */
  database: string | undefined
  /** Other servers write to it as well: "no account" may be out of date at once. */
  isShared?: boolean
  /** Whether a database elsewhere could not be opened. Until it is, nothing is known from it. */
  hasFailed?: () => boolean
  now?: () => number
}

export function createAccountsMarker({ folder, database, isShared = false, hasFailed = () => true, now = Date.now }: AccountsMarkerOptions): AccountsMarker {
  const file = join(folder, FILE)
  let held = readIn(file)
  let found: boolean | undefined

  function write(accounts: Answer) {
    held = accounts === 'some' ? { accounts, at: new Date(now()).toISOString() } : undefined
    try {
      if (!held) rmSync(file, { force: true })
      else replace(file, `${JSON.stringify({ ...held, about: ABOUT }, null, 2)}\n`)
    }
    catch {
      // A folder that cannot be written.
    }
  }

  function storedIn(store: AccountStore): StoredMarker | undefined {
    const document = store.all(DOCUMENT.kind).find(({ name }) => name === DOCUMENT.name)
    return document && read(document.body)
  }

  return {
    before() {
      if (held) return 'some'
      if (database === undefined) return isShared && hasFailed() ? 'some' : 'none'
      found ??= hasTrace(database) || hasTrace(`${database}-wal`)
      return found ? 'some' : 'none'
    },
    says(store) {
      const stored = storedIn(store)
      // Accounts were given up elsewhere, or restored from before that: the later marker is right.
      const latest = held && stored ? (Date.parse(stored.at) > Date.parse(held.at) ? stored : held) : held ?? stored
      return latest?.accounts ?? 'none'
    },
    change: accounts => ({
      ...DOCUMENT,
      body: JSON.stringify({ accounts, at: new Date(now()).toISOString() } satisfies StoredMarker),
    }),
    isStored: store => storedIn(store)?.accounts === 'some',
    isOurs: kind => kind === DOCUMENT.kind,
    note(accounts) {
      if ((held?.accounts ?? 'none') !== accounts) write(accounts)
    },
    damaged(movedTo) {
      if (!held && (hasTrace(movedTo) || hasTrace(`${movedTo}-wal`))) write('some')
    },
  }
}

function readIn(file: string): StoredMarker | undefined {
  try {
    return read(readFileSync(file, 'utf8'))
  }
  catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined
    return code === 'ENOENT' || code === 'ENOTDIR' ? undefined : IN_DOUBT
  }
}

function read(text: string): StoredMarker {
  try {
    return MarkerSchema.parse(JSON.parse(text))
  }
  catch {
    return IN_DOUBT
  }
}

/** Whether accounts are or were in a database that SQLite cannot read. */
function hasTrace(database: string): boolean {
  let handle: number | undefined
  try {
    handle = openSync(database, 'r')
    const buffer = Buffer.alloc(CHUNK_BYTES + TRACE.length)
    for (let at = 0, length = 1; length > 0; at += CHUNK_BYTES) {
      length = readSync(handle, buffer, 0, buffer.length, at)
      if (buffer.subarray(0, length).includes(TRACE)) return true
    }
    return false
  }
  catch {
    // The file is missing or cannot be read.
    return false
  }
  finally {
    if (handle !== undefined) closeSync(handle)
  }
}

/** Whole or not at all, also in a power cut. */
function replace(file: string, text: string) {
  const part = `${file}.part`
  const handle = openSync(part, 'w')
  try {
    writeSync(handle, text)
    fsyncSync(handle)
  }
  finally {
    closeSync(handle)
  }
  renameSync(part, file)
}
