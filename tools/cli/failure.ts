import { getSystemErrorMessage } from 'node:util'

const SQLITE_FULL = 13
const SQLITE_NOT_A_DATABASE = 26

/** What keeps a command from being done, in one sentence fit to show. */
export class CommandFailure extends Error {}

/** Runs a step on a file; what the system complains about becomes a sentence that begins with `what`. */
export async function explained<T>(what: string, step: () => Promise<T>): Promise<T> {
  try {
    return await step()
  }
  catch (error) {
    if (error instanceof CommandFailure || !(error instanceof Error)) throw error
    throw new CommandFailure(`${what}: ${reasonOf(error)}.`, { cause: error })
  }
}

function reasonOf(error: Error): string {
  if (sqliteCode(error) === SQLITE_FULL) return 'there is no room left on the disk'
  if (sqliteCode(error) === SQLITE_NOT_A_DATABASE) return 'it is damaged, for it is not a database'
  if ('syscall' in error && 'errno' in error) return getSystemErrorMessage(Number(error.errno))
  return error.message.replace(/\.$/, '')
}

/** SQLite's result code without its extension; undefined: another error. */
export function sqliteCode(error: unknown): number | undefined {
  return error instanceof Error && 'errcode' in error && typeof error.errcode === 'number' ? error.errcode & 0xFF : undefined
}
