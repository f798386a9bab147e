import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** Who can read the data folder can do everything anyway; only its owner can read this file. */
const PRIVATE = 0o600

/** Where `npm run admin` finds what opens the running server; another one at each start. Without it the server runs as well. */
export function writeKeyFile(dataDir: string, key: string): () => void {
  const file = join(dataDir, 'admin.key')
  const remove = () => {
    try {
      rmSync(file, { force: true })
    }
    catch {
      // A folder that cannot be written.
    }
  }
  remove()
  try {
    mkdirSync(dataDir, { recursive: true })
    // A new file: one that another user has placed there would keep its own rights.
    writeFileSync(file, `${key}\n`, { mode: PRIVATE, flag: 'wx' })
  }
  catch {
    // As above; a part of it, on a full disk, would be a key that opens nothing.
    remove()
  }
  return () => {
    if (holds(file, key)) remove()
  }
}

/** Another server may have laid its own there since. */
function holds(file: string, key: string): boolean {
  try {
    return readFileSync(file, 'utf8').trim() === key
  }
  catch {
    return false
  }
}
