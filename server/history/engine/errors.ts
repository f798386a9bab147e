/** An error of the history; its message can be shown to a client. */
export class HistoryFault extends Error {}

const REASONS: [RegExp, string][] = [
  [/full/i, 'The disk with the history is full; make room or lower the retention.'],
  [/readonly|read-only/i, 'The history cannot be written: its file is read-only.'],
  [/malformed|not a database|corrupt/i, 'The history’s file is damaged; restart the application and it is set aside.'],
  [/locked|busy/i, 'The history’s file is in use by another program.'],
  [/unable to open|cannot open|ENOTDIR|EEXIST|ENOENT|EACCES|EPERM/i, 'The history’s file cannot be opened; check NUXT_DATA_DIR and its permissions.'],
]
/** Primary result codes of SQLite: no permission, read-only, I/O error, full, cannot be opened. */
const UNWRITABLE = [3, 8, 10, 13, 14]

/** SQLite's shared memory beside the file has no room. */
const SHARED_MEMORY_FULL = 4_874
const CANNOT_OPEN = 14

/** SQLite's reason as a sentence that says what to do, without a path. */
export function inWords(error: unknown): string {
  if (error instanceof HistoryFault) return error.message
  const message = codeOf(error) === SHARED_MEMORY_FULL ? 'full' : error instanceof Error ? error.message : ''
  return REASONS.find(([pattern]) => pattern.test(message))?.[1] ?? 'The history cannot be written: the disk reports an error.'
}

/** Whether the disk may only refuse writes: reading may still work. */
export function isUnwritable(error: unknown): boolean {
  return UNWRITABLE.includes(codeOf(error) & 0xFF)
}

/** Why a file that can be read cannot be written. */
export function whyUnwritable(error: unknown): string {
  return codeOf(error) === CANNOT_OPEN ? 'The history cannot be written: its file or folder is read-only.' : inWords(error)
}

function codeOf(error: unknown): number {
  return error instanceof Error && 'errcode' in error && typeof error.errcode === 'number' ? error.errcode : 0
}
