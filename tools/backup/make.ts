// Makes a backup of a running server's history. Promises that FILE is either complete and on disk, or untouched.
import { existsSync } from 'node:fs'
import { open, rename, rm } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { backup, DatabaseSync } from 'node:sqlite'
import { CommandFailure, explained } from '../cli/failure.ts'
import type { Steps } from '../cli/progress.ts'
import { inMegabytes, pour, requireRoom, syncFolder } from './files.ts'
import { encodeHeader, HEADER_BYTES } from './format.ts'
import type { BackupHeader } from './format.ts'
import type { Options } from './options.ts'

/** Only its owner may read a backup: it holds everything the devices have said. */
const PRIVATE = 0o600

/** The files that exist while a backup to `file` is being made. */
export const partsOf = (file: string): string[] => ['.part', '.part.db', '.part.db-journal'].map(suffix => file + suffix)

/** @throws {CommandFailure} */
export async function makeBackup({ file, data, force }: Options, steps: Steps): Promise<BackupHeader> {
  const history = join(data, 'history.db')
  if (!existsSync(history)) throw new CommandFailure(`There is no history in ${resolve(data)}; --data names the folder that NUXT_DATA_DIR names for the server.`)
  if (!force && existsSync(file)) throw new CommandFailure(`${file} exists already; --force replaces it.`)
  const unreadable = `The history in ${resolve(data)} cannot be read`
  // A moment in which it is locked, because it is just being opened or repaired, is waited out.
  using database = await explained(unreadable, async () => new DatabaseSync(history, { timeout: 5_000 }))
  const snapshot = await explained(unreadable, async () => takeSnapshot(database, history))
  try {
    return await explained(`The backup ${file} cannot be written`, () => write(database, snapshot, file, steps))
  }
  finally {
    for (const part of partsOf(file)) await rm(part, { force: true })
  }
}

/**
 * SQLite's online backup starts from the beginning whenever somebody else has committed between two of its steps, which under
 * load is always. So a read transaction on the same connection holds the moment: the backup reads inside it and never
 * restarts. Writers are not held up; the write-ahead log grows until the copy is done.
 */
function takeSnapshot(database: DatabaseSync, history: string) {
  const read = (pragma: string) => Number(Object.values(database.prepare(`PRAGMA ${pragma}`).get() ?? {})[0])
  // The snapshot is taken by the first read after BEGIN.
  database.exec('PRAGMA query_only = ON; BEGIN')
  const [schema, pageBytes, pages] = [read('user_version'), read('page_size'), read('page_count')]
  if (schema < 1) throw new CommandFailure(`${history} is not a history of Leitstand.`)
  return { schema, pageBytes, bytes: pageBytes * pages, createdAt: new Date().toISOString() }
}

/** The header comes last, so that a file without one is none. */
async function write(database: DatabaseSync, { pageBytes, bytes, ...about }: ReturnType<typeof takeSnapshot>, file: string, steps: Steps) {
  // For a moment the copy is there twice: as SQLite writes it and behind the header.
  await requireRoom(file, 2 * bytes + HEADER_BYTES)
  const [part = '', copy = ''] = partsOf(file)
  await using source = await open(copy, 'w+', PRIVATE)
  const onCopied = steps.begin('copied', bytes, inMegabytes(bytes))
  // 4 MB at a time.
  await backup(database, copy, { rate: 1_024, progress: ({ totalPages, remainingPages }) => onCopied((totalPages - remainingPages) * pageBytes) })
  onCopied(bytes)
  // From here on the server's write-ahead log can shrink again.
  database.exec('ROLLBACK')
  await using target = await open(part, 'w', PRIVATE)
  await target.writeFile(Buffer.alloc(HEADER_BYTES))
  const sha256 = await pour(source, 0, target, steps.begin('packed', bytes, inMegabytes(bytes)))
  const header = { ...about, bytes: (await source.stat()).size, sha256 }
  await target.write(encodeHeader(header), 0, HEADER_BYTES, 0)
  await target.sync()
  await rename(part, file)
  await syncFolder(dirname(resolve(file)))
  return header
}
