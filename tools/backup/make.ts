// Makes a backup of a running server's history. Promises that FILE is either complete and on disk, or untouched.
import { existsSync } from 'node:fs'
import { open, rename, rm } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { backup, DatabaseSync } from 'node:sqlite'
import { CommandFailure, explained, sqliteCode } from '../cli/failure.ts'
import type { Progress } from '../cli/progress.ts'
import { inMegabytes, pour, requireRoom, syncFolder } from './files.ts'
import { encodeHeader, HEADER_BYTES } from './format.ts'
import type { BackupHeader } from './format.ts'
import type { Options } from './options.ts'

/** Only its owner may read a backup: it holds everything the devices have said. */
const PRIVATE = 0o600
/** How long a moment in which the database is locked (it is just being opened or repaired) is waited out. */
const BUSY_MS = 5_000
/** Pages copied between two progress reports: 4 MB. */
const STEP_PAGES = 1_024
const SQLITE_NOT_A_DATABASE = 26

/** The files that exist while a backup to `file` is being made. */
export function partsOf(file: string): string[] {
  return ['.part', '.part.db', '.part.db-journal'].map(suffix => file + suffix)
}

/** @throws {CommandFailure} */
export async function makeBackup({ file, data, force }: Options, progress: Pick<Progress, 'begin'>): Promise<BackupHeader> {
  const database = join(data, 'history.db')
  if (!existsSync(database)) throw new CommandFailure(`There is no history in ${resolve(data)}; --data names the folder that NUXT_DATA_DIR names for the server.`)
  if (!force && existsSync(file)) throw new CommandFailure(`${file} exists already; --force replaces it.`)
  const snapshot = await explained(`The history in ${resolve(data)} cannot be read`, async () => takeSnapshot(database))
  try {
    return await explained(`The backup ${file} cannot be written`, () => write(snapshot, file, progress))
  }
  finally {
    if (snapshot.database.isOpen) snapshot.database.close()
    for (const part of partsOf(file)) await rm(part, { force: true })
  }
}

/**
 * The database as it is at this moment, while others go on writing to it.
 *
 * SQLite's online backup starts from the beginning whenever somebody else has committed between two of its steps, which
 * under load is always. So a read transaction on the same connection holds the moment: the backup reads inside it and never
 * restarts. Writers are not held up; the write-ahead log grows until the copy is done.
 */
function takeSnapshot(file: string) {
  const database = new DatabaseSync(file, { timeout: BUSY_MS })
  const read = (pragma: string) => Number(Object.values(database.prepare(`PRAGMA ${pragma}`).get() ?? {})[0])
  try {
    // The snapshot is taken by the first read after BEGIN.
    database.exec('PRAGMA query_only = ON; BEGIN')
    const schema = read('user_version')
    if (schema < 1) throw new CommandFailure(`${file} is not a history of Leitstand.`)
    const pageBytes = read('page_size')
    return { database, schema, pageBytes, bytes: pageBytes * read('page_count'), createdAt: new Date().toISOString() }
  }
  catch (error) {
    database.close()
    if (sqliteCode(error) === SQLITE_NOT_A_DATABASE) throw new CommandFailure(`${file} is damaged: it is not a database.`, { cause: error })
    throw error
  }
}

async function write(snapshot: ReturnType<typeof takeSnapshot>, file: string, progress: Pick<Progress, 'begin'>): Promise<BackupHeader> {
  const { database, schema, pageBytes, bytes, createdAt } = snapshot
  // For a moment the copy is there twice: as SQLite writes it and behind the header.
  await requireRoom(file, 2 * bytes + HEADER_BYTES)
  const [part = '', copy = ''] = partsOf(file)
  await (await open(copy, 'w', PRIVATE)).close()
  const onCopied = progress.begin('copied', bytes, inMegabytes(bytes))
  await backup(database, copy, { rate: STEP_PAGES, progress: ({ totalPages, remainingPages }) => onCopied((totalPages - remainingPages) * pageBytes) })
  onCopied(bytes)
  // From here on the server's write-ahead log can shrink again.
  database.close()
  const header = await pack(copy, part, { schema, createdAt }, progress.begin('packed', bytes, inMegabytes(bytes)))
  await rename(part, file)
  await syncFolder(dirname(resolve(file)))
  return header
}

/** Writes the copy behind a header; the header comes last, so that a file without one is none. */
async function pack(copy: string, part: string, about: Pick<BackupHeader, 'schema' | 'createdAt'>, onBytes: (done: number) => void): Promise<BackupHeader> {
  await using source = await open(copy)
  await using target = await open(part, 'w', PRIVATE)
  await target.writeFile(Buffer.alloc(HEADER_BYTES))
  const sha256 = await pour(source, 0, target, onBytes)
  const header = { ...about, bytes: (await source.stat()).size, sha256 }
  await target.write(encodeHeader(header), 0, HEADER_BYTES, 0)
  await target.sync()
  return header
}
