import { createHash } from 'node:crypto'
import { open, stat, statfs } from 'node:fs/promises'
import type { FileHandle } from 'node:fs/promises'
import { dirname } from 'node:path'
import { BackupFailure } from './failure.ts'

const CHUNK_BYTES = 1_048_576
/** Left free beside what is written, for what else lives on the disk. */
const SPARE_BYTES = 16_777_216

/** Called with the bytes done so far. */
export type OnBytes = (bytes: number) => void

/**
 * Reads a file from `from` to its end, writes it to `target` (if any) at the position where that stands, and returns the
 * SHA-256 of what passed.
 */
export async function pour(source: FileHandle, from: number, target: FileHandle | undefined, onBytes: OnBytes): Promise<string> {
  const digest = createHash('sha256')
  const buffer = Buffer.allocUnsafe(CHUNK_BYTES)
  let done = 0
  for (;;) {
    const { bytesRead } = await source.read(buffer, 0, CHUNK_BYTES, from + done)
    if (bytesRead === 0) return digest.digest('hex')
    const chunk = buffer.subarray(0, bytesRead)
    digest.update(chunk)
    await target?.writeFile(chunk)
    onBytes(done += bytesRead)
  }
}

/** @throws {BackupFailure} when the disk with the folder of `file` has no room for `bytes` more. */
export async function requireRoom(file: string, bytes: number) {
  const { bavail, bsize } = await statfs(dirname(file))
  const free = bavail * bsize
  if (free < bytes + SPARE_BYTES) {
    throw new BackupFailure(`There is no room in ${dirname(file)}: ${megabytes(bytes + SPARE_BYTES)} MB are needed, ${megabytes(free)} MB are free.`)
  }
}

/** A new name in a folder is on disk only once the folder is. */
export async function syncFolder(folder: string) {
  // Windows has no such thing and refuses to open a folder.
  if (process.platform === 'win32') return
  await using handle = await open(folder)
  await handle.sync()
}

export async function exists(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined)) !== undefined
}

/** `12.3` */
export function megabytes(bytes: number): string {
  return (bytes / 1_000_000).toLocaleString('en-GB', { minimumFractionDigits: 1, maximumFractionDigits: 1 })
}
