// Makes a backup of a running server's history. Promises that FILE is either complete and on disk, or untouched.
import { open, rename, rm } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { BackupFailure, explained } from './failure.ts'
import { exists, pour, requireRoom, syncFolder } from './files.ts'
import { encodeHeader, HEADER_BYTES } from './format.ts'
import type { BackupHeader } from './format.ts'
import type { Steps } from './progress.ts'
import { takeSnapshot } from './snapshot.ts'
import type { Snapshot } from './snapshot.ts'

export interface BackupOptions {
  file: string
  data: string
  /** Replace an existing FILE. */
  force: boolean
}

/** Only its owner may read a backup: it holds everything the devices have said. */
const PRIVATE = 0o600

/** The files that exist while a backup to `file` is being made. */
export function partsOf(file: string): string[] {
  return ['.part', '.part.db', '.part.db-journal'].map(suffix => file + suffix)
}

/** @throws {BackupFailure} */
export async function makeBackup({ file, data, force }: BackupOptions, steps: Steps): Promise<BackupHeader> {
  const database = join(data, 'history.db')
  if (!await exists(database)) throw new BackupFailure(`There is no history in ${resolve(data)}; --data names the folder that NUXT_DATA_DIR names for the server.`)
  if (!force && await exists(file)) throw new BackupFailure(`${file} exists already; --force replaces it.`)
  const snapshot = await explained(`The history in ${resolve(data)} cannot be read`, async () => takeSnapshot(database))
  try {
    return await explained(`The backup ${file} cannot be written`, () => write(snapshot, file, steps))
  }
  finally {
    snapshot.close()
    for (const part of partsOf(file)) await rm(part, { force: true })
  }
}

async function write(snapshot: Snapshot, file: string, steps: Steps): Promise<BackupHeader> {
  // For a moment the copy is there twice: as SQLite writes it and behind the header.
  await requireRoom(file, 2 * snapshot.bytes + HEADER_BYTES)
  const [part = '', copy = ''] = partsOf(file)
  await (await open(copy, 'w', PRIVATE)).close()
  await snapshot.copyTo(copy, steps.begin('copied', snapshot.bytes))
  // From here on the server's write-ahead log can shrink again.
  snapshot.close()
  const header = await pack(copy, part, snapshot, steps)
  await rename(part, file)
  await syncFolder(dirname(resolve(file)))
  return header
}

/** Writes the copy behind a header; the header comes last, so that a file without one is none. */
async function pack(copy: string, part: string, { bytes, schema, takenAt }: Snapshot, steps: Steps): Promise<BackupHeader> {
  await using source = await open(copy)
  await using target = await open(part, 'w', PRIVATE)
  await target.writeFile(Buffer.alloc(HEADER_BYTES))
  const sha256 = await pour(source, 0, target, steps.begin('packed', bytes))
  const header = { schema, bytes: (await source.stat()).size, sha256, createdAt: takenAt }
  await target.write(encodeHeader(header), 0, HEADER_BYTES, 0)
  await target.sync()
  return header
}
