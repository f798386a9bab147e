/** What keeps a backup or a restore from being done, in one sentence fit to show. */
export class BackupFailure extends Error {}

const REASONS: Record<string, string> = {
  ENOSPC: 'there is no room left on the disk',
  EDQUOT: 'the disk quota is used up',
  EACCES: 'permission is denied',
  EPERM: 'permission is denied',
  EROFS: 'the disk is read-only',
  ENOENT: 'there is no such file or folder',
  EISDIR: 'it is a folder',
  ENOTDIR: 'part of its path is not a folder',
}

/** Runs a step on a file; what the system complains about becomes a sentence that begins with `what`. */
export async function explained<T>(what: string, step: () => Promise<T>): Promise<T> {
  try {
    return await step()
  }
  catch (error) {
    if (error instanceof BackupFailure || !(error instanceof Error)) throw error
    throw new BackupFailure(`${what}: ${reasonOf(error)}.`, { cause: error })
  }
}

const SQLITE_FULL = 13

function reasonOf(error: Error): string {
  if (primaryCode(error) === SQLITE_FULL) return 'there is no room left on the disk'
  const code = 'code' in error ? String(error.code) : ''
  return REASONS[code] ?? error.message.replace(/\.$/, '')
}

/** SQLite's result code without its extension, or undefined for other errors. */
export function primaryCode(error: unknown): number | undefined {
  if (!(error instanceof Error) || !('errcode' in error) || typeof error.errcode !== 'number') return undefined
  return error.errcode & 0xFF
}
