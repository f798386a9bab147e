// Puts a backup back in place. Promises that nothing is touched unless the backup is sound and no server is running, that
// what was there is kept beside, and that the new database is either not there yet or complete.
import { chmod, chown, link, mkdir, open, rename, rm, stat } from 'node:fs/promises'
import type { FileHandle } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { SCHEMA_VERSION } from '../../server/history/sqlite/migrations.ts'
import { BackupFailure, explained } from './failure.ts'
import { exists, pour, requireRoom, syncFolder } from './files.ts'
import { HEADER_BYTES } from './format.ts'
import type { BackupHeader } from './format.ts'
import { lockData, lockDatabase } from './lock.ts'
import type { Steps } from './progress.ts'
import { verifyBackup } from './verify.ts'

export interface RestoreOptions {
  file: string
  data: string
  /** Set an existing history aside. */
  force: boolean
  now?: Date
}

export interface RestoreReport {
  header: BackupHeader
  database: string
  /** Where the history that was there is now. */
  setAside: string | undefined
}

/** The file that exists in the data folder while a backup is being put back. */
export const partIn = (data: string) => join(data, 'history.db.restore-part')

/** @throws {BackupFailure} */
export async function restoreBackup(options: RestoreOptions, steps: Steps): Promise<RestoreReport> {
  await using backup = await explained(`The backup ${options.file} cannot be read`, () => open(options.file))
  const header = await explained(`The backup ${options.file} cannot be read`, () => verifyBackup(backup, SCHEMA_VERSION, steps))
  try {
    return await explained(`The history in ${resolve(options.data)} cannot be replaced`, () => replace(backup, header, options, steps))
  }
  finally {
    await rm(partIn(options.data), { force: true })
  }
}

async function replace(backup: FileHandle, header: BackupHeader, options: RestoreOptions, steps: Steps): Promise<RestoreReport> {
  const { data, force } = options
  const database = join(data, 'history.db')
  if (!force && await exists(database)) throw new BackupFailure(`There is a history in ${resolve(data)} already; --force sets it aside and puts the backup in its place.`)
  // A server started meanwhile does not start.
  const unlock = lockData(data)
  try {
    return await replaceLocked(backup, header, options, steps)
  }
  finally {
    unlock()
  }
}

async function replaceLocked(backup: FileHandle, header: BackupHeader, { data, now = new Date() }: RestoreOptions, steps: Steps): Promise<RestoreReport> {
  const database = join(data, 'history.db')
  const there = await exists(database)
  // An older server knows no lock of the folder.
  const unlock = there ? lockDatabase(database) : () => {}
  try {
    await mkdir(data, { recursive: true })
    await requireRoom(database, header.bytes)
    await copyOut(backup, header, partIn(data), there ? database : data, steps)
  }
  finally {
    unlock()
  }
  const aside = `${database}.before-restore-${now.toISOString().replaceAll(/[:.]/g, '-')}`
  await keepAside(database, aside)
  await rename(partIn(data), database)
  await syncFolder(data)
  return { header, database, setAside: there ? aside : undefined }
}

/** Writes the database in the backup to `target` and on disk, with the owner and rights of `like`. */
async function copyOut(backup: FileHandle, header: BackupHeader, target: string, like: string, steps: Steps) {
  await using file = await open(target, 'w', 0o600)
  const sha256 = await pour(backup, HEADER_BYTES, file, steps.begin('written', header.bytes))
  if (sha256 !== header.sha256) throw new BackupFailure('The backup has changed while it was read.')
  await file.sync()
  const { uid, gid, mode } = await stat(like)
  // Restored by root, it must still belong to whom the server runs as. Anybody else owns it anyway.
  await chown(target, uid, gid).catch(() => undefined)
  await chmod(target, mode & 0o666)
}

/** The log goes first: beside another database it would be taken for that one's. `history.db` itself is there all the time. */
async function keepAside(database: string, aside: string) {
  for (const suffix of ['-wal', '-shm']) {
    if (await exists(database + suffix)) await rename(database + suffix, aside + suffix)
  }
  if (!await exists(database)) return
  // Not every file system has links.
  await link(database, aside).catch(() => rename(database, aside))
}
