// A backup is one file: a header of 512 bytes that `head -c 512` shows, then the database as it was. The header says how long
// the database is and what it hashes to, and ends with a hash of itself, so that any cut or altered byte is found unopened.
import { hash } from 'node:crypto'
import { z } from 'zod'
import { CommandFailure } from '../cli/failure.ts'

export const HEADER_BYTES = 512
const MAGIC = 'leitstand-backup'
const FORMAT = 1
const BODY_BYTES = HEADER_BYTES - 64

/** Version of the database's schema; size and SHA-256 of the database that follows. */
const HeaderSchema = z.object({ schema: z.int().min(1), bytes: z.int().min(1), sha256: z.hash('sha256'), createdAt: z.iso.datetime() })
export type BackupHeader = z.infer<typeof HeaderSchema>

export function encodeHeader({ schema, bytes, sha256, createdAt }: BackupHeader): Buffer {
  const body = `${MAGIC} ${FORMAT}\n${JSON.stringify({ schema, bytes, sha256, createdAt })}\n`.padEnd(BODY_BYTES)
  return Buffer.from(body + hash('sha256', body), 'latin1')
}

/** @throws {CommandFailure} when it is not the undamaged header of a backup that this version can read. */
export function decodeHeader(header: Buffer): BackupHeader {
  const text = header.toString('latin1')
  if (!text.startsWith(`${MAGIC} `)) throw new CommandFailure('This is not a backup of Leitstand.')
  if (header.length < HEADER_BYTES) throw new CommandFailure('The backup is cut short: not even its header is complete.')
  const body = text.slice(0, BODY_BYTES)
  if (hash('sha256', body) !== text.slice(BODY_BYTES)) throw new CommandFailure('The backup is damaged: its header has been altered.')
  const [, version, json] = /^\S+ (\d+)\n([^\n]*)\n/.exec(body) ?? []
  if (version === String(FORMAT)) return HeaderSchema.parse(JSON.parse(json ?? ''))
  throw new CommandFailure(`The backup was made by a newer version of the application (format ${version}, this one knows ${FORMAT}).`)
}
