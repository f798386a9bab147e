const REASONS: [RegExp, string][] = [
  [/full/i, 'The disk with the history is full; make room or lower the retention.'],
  [/readonly|read-only/i, 'The history cannot be written: its file is read-only.'],
  [/malformed|not a database|corrupt/i, 'The history’s file is damaged; restart the application and it is set aside.'],
  [/locked|busy/i, 'The history’s file is in use by another program.'],
  [/unable to open|cannot open/i, 'The history’s file cannot be opened; check NUXT_DATA_DIR and its permissions.'],
]

/** SQLite's reason as a sentence that says what to do, without a path. */
export function inWords(error: unknown): string {
  const message = error instanceof Error ? error.message : ''
  return REASONS.find(([pattern]) => pattern.test(message))?.[1] ?? 'The history cannot be written: the disk reports an error.'
}
