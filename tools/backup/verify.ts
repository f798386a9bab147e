import type { FileHandle } from 'node:fs/promises'
import { BackupFailure } from './failure.ts'
import { pour } from './files.ts'
import { decodeHeader, HEADER_BYTES } from './format.ts'
import type { BackupHeader } from './format.ts'
import type { Steps } from './progress.ts'

/**
 * Looks through an open backup file without opening the database in it.
 * @param knownSchema Newest schema that this version of the application can read.
 * @throws {BackupFailure} when anything about it is not as it was made.
 */
export async function verifyBackup(file: FileHandle, knownSchema: number, steps: Steps): Promise<BackupHeader> {
  const { buffer, bytesRead } = await file.read(Buffer.alloc(HEADER_BYTES), 0, HEADER_BYTES, 0)
  const header = decodeHeader(buffer.subarray(0, bytesRead))
  if (header.schema > knownSchema) {
    throw new BackupFailure(`The backup was made by a newer version of the application (schema ${header.schema}, this one knows ${knownSchema}).`)
  }
  const bytes = (await file.stat()).size - HEADER_BYTES
  if (bytes < header.bytes) throw new BackupFailure(`The backup is cut short: ${bytes} of ${header.bytes} bytes are there.`)
  if (bytes > header.bytes) throw new BackupFailure(`The backup is damaged: it is ${bytes - header.bytes} bytes longer than it was made.`)
  if (await pour(file, HEADER_BYTES, undefined, steps.begin('checked', bytes)) !== header.sha256) {
    throw new BackupFailure('The backup is damaged: its content has been altered.')
  }
  return header
}
