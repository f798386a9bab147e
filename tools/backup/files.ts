import { createHash } from 'node:crypto'
import { open, statfs } from 'node:fs/promises'
import type { FileHandle } from 'node:fs/promises'
import { dirname } from 'node:path'
import { CommandFailure } from '../cli/failure.ts'
import { inDigits } from '../cli/progress.ts'

/** Left free beside what is written, for what else lives on the disk. */
const SPARE_BYTES = 16_777_216

/** Reads a file from `from` to its end, and writes it to `target` where that stands; the SHA-256 of what passed. */
export async function pour(source: FileHandle, from: number, target: FileHandle | undefined, onBytes: (done: number) => void): Promise<string> {
  const digest = createHash('sha256')
  let done = 0
  for await (const chunk of source.createReadStream({ start: from, autoClose: false, highWaterMark: 1_048_576 })) {
    digest.update(chunk)
    await target?.writeFile(chunk)
    onBytes(done += chunk.length)
  }
  return digest.digest('hex')
}

/** @throws {CommandFailure} when the disk with the folder of `file` has no room for `bytes` more. */
export async function requireRoom(file: string, bytes: number) {
  const { bavail, bsize } = await statfs(dirname(file))
  if (bavail * bsize >= bytes + SPARE_BYTES) return
  throw new CommandFailure(`There is no room in ${dirname(file)}: ${megabytes(bytes + SPARE_BYTES)} MB are needed, ${megabytes(bavail * bsize)} MB are free.`)
}

/** A new name in a folder is on disk only once the folder is. Windows knows no such thing. */
export async function syncFolder(folder: string) {
  if (process.platform === 'win32') return
  await using handle = await open(folder)
  await handle.sync()
}

export const megabytes = (bytes: number): string => inDigits(bytes / 1_000_000, 1)

/** `12.3 of 45.6 MB (27 %)` */
export function inMegabytes(total: number) {
  return (done: number, percent: number) => `${megabytes(done)} of ${megabytes(total)} MB (${percent} %)`
}
