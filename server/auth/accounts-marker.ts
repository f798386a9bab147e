// Says whether there are accounts, beside the database that has them: where that is damaged or gone, nobody comes in as if there were none.
import { closeSync, fsyncSync, openSync, readFileSync, readSync, renameSync, rmSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import type { AccountsMarker, AccountStore } from './contract'

const FILE = 'accounts.json'
const ABOUT = 'Accounts were made here. While they cannot be read, nobody may enter; `npm run admin -- give-up-accounts` gives them up.'
/** Stands in every database with accounts, for one of them is an admin; documents are not compressed. */
const TRACE = Buffer.from('"role":"admin"')
const CHUNK_BYTES = 1_048_576
/** The same in the database, for those who share it and for backups. */
const DOCUMENT = { kind: 'accounts', name: 'there' } as const

const SaidSchema = z.object({ accounts: z.enum(['some', 'none']), at: z.iso.datetime() })
type Said = z.infer<typeof SaidSchema>
type Answer = Said['accounts']

/** What cannot be read says that there were some. */
const IN_DOUBT: Said = { accounts: 'some', at: new Date(0).toISOString() }

export interface AccountsMarkerOptions {
  folder: string
  /** The database in the folder; undefined: it is elsewhere. */
  database: string | undefined
  /** Others write to it as well: that there was no account may be out of date at once. */
  isShared?: boolean
  /** Whether a database elsewhere could not be opened. Until then nothing has come from anywhere that could be seen. */
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

  function keptIn(store: AccountStore): Said | undefined {
    const kept = store.all(DOCUMENT.kind).find(({ name }) => name === DOCUMENT.name)
    return kept && read(kept.body)
  }

  return {
    before() {
      if (held) return 'some'
      if (database === undefined) return isShared && hasFailed() ? 'some' : 'none'
      found ??= hasTrace(database) || hasTrace(`${database}-wal`)
      return found ? 'some' : 'none'
    },
    says(store) {
      const told = keptIn(store)
      // Given up elsewhere, or put back from before that: the later one is right.
      const latest = held && told ? (Date.parse(told.at) > Date.parse(held.at) ? told : held) : held ?? told
      return latest?.accounts ?? 'none'
    },
    change: accounts => ({ ...DOCUMENT, body: JSON.stringify({ accounts, at: new Date(now()).toISOString() } satisfies Said) }),
    isKept: store => keptIn(store)?.accounts === 'some',
    isOurs: kind => kind === DOCUMENT.kind,
    note(accounts) {
      if ((held?.accounts ?? 'none') !== accounts) write(accounts)
    },
    damaged(movedTo) {
      if (!held && (hasTrace(movedTo) || hasTrace(`${movedTo}-wal`))) write('some')
    },
  }
}

function readIn(file: string): Said | undefined {
  try {
    return read(readFileSync(file, 'utf8'))
  }
  catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined
    return code === 'ENOENT' || code === 'ENOTDIR' ? undefined : IN_DOUBT
  }
}

function read(text: string): Said {
  try {
    return SaidSchema.parse(JSON.parse(text))
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
    // Nothing is there, or nothing that can be read.
    return false
  }
  finally {
    if (handle !== undefined) closeSync(handle)
  }
}

/** Whole or not at all, also when the power goes. */
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
