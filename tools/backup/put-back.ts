// Puts a backup back in place. Promises that nothing is touched unless the backup is sound and no server is running, that
// what was there is kept beside, and that the new database is either not there yet or complete.
import { existsSync } from 'node:fs'
import { chmod, chown, link, mkdir, open, rename, rm, stat } from 'node:fs/promises'
import type { FileHandle } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { SCHEMA_VERSION } from '../../server/history/sqlite/migrations.ts'
import { CommandFailure, explained } from '../cli/failure.ts'
import type { Progress } from '../cli/progress.ts'
import { inMegabytes, pour, requireRoom, syncFolder } from './files.ts'
import { decodeHeader, HEADER_BYTES } from './format.ts'
import type { BackupHeader } from './format.ts'
import { lockData, lockDatabase } from './lock.ts'
import type { Options } from './options.ts'

type Steps = Pick<Progress, 'begin'>

/** The file that exists in the data folder while a backup is being put back. */
export const partIn = (data: string) => join(data, 'history.db.restore-part')

/** @returns what was put back, and where the history that was there is now. @throws {CommandFailure} */
export async function restoreBackup({ file, data, force }: Options, steps: Steps, now = new Date()) {
  const unreadable = `The backup ${file} cannot be read`
  await using backup = await explained(unreadable, () => open(file))
  const header = await explained(unreadable, () => verify(backup, steps))
  const database = join(data, 'history.db')
  try {
    return await explained(`The history in ${resolve(data)} cannot be replaced`, async () => {
      if (!force && existsSync(database)) throw new CommandFailure(`There is a history in ${resolve(data)} already; --force sets it aside and puts the backup in its place.`)
      // A server started meanwhile does not start.
      const unlock = lockData(data)
      try {
        return { header, database, setAside: await replace(backup, header, data, steps, now) }
      }
      finally {
        unlock()
      }
    })
  }
  finally {
    await rm(partIn(data), { force: true })
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

/** Where the history that was there is now; undefined: there was none. */
async function replace(backup: FileHandle, header: BackupHeader, data: string, steps: Steps, now: Date): Promise<string | undefined> {
  const database = join(data, 'history.db')
  const isThere = existsSync(database)
  // An older server knows no lock of the folder.
  const unlock = isThere ? lockDatabase(database) : () => {}
  try {
    await mkdir(data, { recursive: true })
    await requireRoom(database, header.bytes)
    await copyOut(backup, header, partIn(data), isThere ? database : data, steps)
  }
  finally {
    unlock()
  }
  const aside = `${database}.before-restore-${now.toISOString().replaceAll(/[:.]/g, '-')}`
  // The log goes first: beside another database it would be taken for that one's. `history.db` itself is there all the time.
  for (const suffix of ['-wal', '-shm']) if (existsSync(database + suffix)) await rename(database + suffix, aside + suffix)
  // Not every file system has links.
  if (isThere) await link(database, aside).catch(() => rename(database, aside))
  await rename(partIn(data), database)
  await syncFolder(data)
  return isThere ? aside : undefined
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
