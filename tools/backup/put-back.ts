// Puts a backup back in place. Promises that nothing is touched unless the backup is sound and no server is running, that
// what was there is kept beside, and that the new database is either not there yet or complete.
import { existsSync } from 'node:fs'
import { chmod, chown, link, mkdir, open, rename, rm, stat } from 'node:fs/promises'
import type { FileHandle } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { SCHEMA_VERSION } from '../../server/history/sqlite/migrations.ts'
import { CommandFailure, explained } from '../cli/failure.ts'
import { lockData, lockDatabase } from '../cli/locks.ts'
import type { Steps } from '../cli/progress.ts'
import { inMegabytes, pour, requireRoom, syncFolder } from './files.ts'
import { decodeHeader, HEADER_BYTES } from './format.ts'
import type { BackupHeader } from './format.ts'
import type { Options } from './options.ts'

/** The file that exists in the data folder while a backup is being put back. */
export const partIn = (data: string) => join(data, 'history.db.restore-part')

/** @returns what was put back, and where the history that was there is now. @throws {CommandFailure} */
export async function restoreBackup(options: Options, steps: Steps, now = new Date()) {
  const unreadable = `The backup ${options.file} cannot be read`
  await using backup = await explained(unreadable, () => open(options.file))
  const header = await explained(unreadable, () => verify(backup, steps))
  try {
    return await explained(`The history in ${resolve(options.data)} cannot be replaced`, () => replace(backup, header, options, steps, now))
  }
  finally {
    await rm(partIn(options.data), { force: true })
  }
}

/** Looks through an open backup without opening the database in it. @throws {CommandFailure} */
async function verify(backup: FileHandle, steps: Steps): Promise<BackupHeader> {
  const { buffer, bytesRead } = await backup.read(Buffer.alloc(HEADER_BYTES), 0, HEADER_BYTES, 0)
  const header = decodeHeader(buffer.subarray(0, bytesRead))
  if (header.schema > SCHEMA_VERSION) throw new CommandFailure(`The backup was made by a newer version of the application (schema ${header.schema}, this one knows ${SCHEMA_VERSION}).`)
  const bytes = (await backup.stat()).size - HEADER_BYTES
  if (bytes < header.bytes) throw new CommandFailure(`The backup is cut short: ${bytes} of ${header.bytes} bytes are there.`)
  if (bytes > header.bytes) throw new CommandFailure(`The backup is damaged: it is ${bytes - header.bytes} bytes longer than it was made.`)
  const sha256 = await pour(backup, HEADER_BYTES, undefined, steps.begin('checked', bytes, inMegabytes(bytes)))
  if (sha256 !== header.sha256) throw new CommandFailure('The backup is damaged: its content has been altered.')
  return header
}

async function replace(backup: FileHandle, header: BackupHeader, { data, force }: Options, steps: Steps, now: Date) {
  const database = join(data, 'history.db')
  const isThere = existsSync(database)
  if (!force && isThere) throw new CommandFailure(`There is a history in ${resolve(data)} already; --force sets it aside and puts the backup in its place.`)
  using locks = new DisposableStack()
  // A server started meanwhile does not start.
  locks.defer(lockData(data))
  {
    using old = new DisposableStack()
    // An older server knows no lock of the folder.
    if (isThere) old.defer(lockDatabase(database))
    await mkdir(data, { recursive: true })
    await requireRoom(database, header.bytes)
    await copyOut(backup, header, partIn(data), isThere ? database : data, steps)
  }
  const aside = `${database}.before-restore-${now.toISOString().replaceAll(/[:.]/g, '-')}`
  // The log goes first: beside another database it would be taken for that one's. `history.db` itself is there all the time.
  for (const suffix of ['-wal', '-shm']) if (existsSync(database + suffix)) await rename(database + suffix, aside + suffix)
  // Not every file system has links.
  if (isThere) await link(database, aside).catch(() => rename(database, aside))
  await rename(partIn(data), database)
  await syncFolder(data)
  return { header, database, setAside: isThere ? aside : undefined }
}

/** Writes the database in the backup to `target` and on disk, with the owner and rights of `like`. */
async function copyOut(backup: FileHandle, header: BackupHeader, target: string, like: string, steps: Steps) {
  await using file = await open(target, 'w', 0o600)
  const sha256 = await pour(backup, HEADER_BYTES, file, steps.begin('written', header.bytes, inMegabytes(header.bytes)))
  if (sha256 !== header.sha256) throw new CommandFailure('The backup has changed while it was read.')
  await file.sync()
  const { uid, gid, mode } = await stat(like)
  // Restored by root, it must still belong to whom the server runs as. Anybody else owns it anyway.
  await chown(target, uid, gid).catch(() => undefined)
  await chmod(target, mode & 0o666)
}
