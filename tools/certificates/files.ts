import { chmodSync, chownSync, existsSync, mkdirSync, readdirSync, renameSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Owner } from './options.ts'

/** For their owner only, whatever the umask says. */
const FILE_MODE = 0o600
const FOLDER_MODE = 0o700

/** Writes a secret file whole or not at all. */
export function writeSecret(file: string, content: string) {
  const part = `${file}.part`
  writeFileSync(part, content, { mode: FILE_MODE })
  // The mode above is only for a file that was not there.
  chmodSync(part, FILE_MODE)
  renameSync(part, file)
}

/** Makes a folder if there is none; whether it did. */
export function makeFolder(folder: string): boolean {
  if (existsSync(folder)) return false
  mkdirSync(folder, { recursive: true, mode: FOLDER_MODE })
  return true
}

/** Gives a folder and everything in it to somebody. */
export function giveTo({ uid, gid }: Owner, path: string) {
  chownSync(path, uid, gid)
  if (!statSync(path).isDirectory()) return
  for (const name of readdirSync(path)) giveTo({ uid, gid }, join(path, name))
}
