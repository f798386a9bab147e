/** What an error code of PostgreSQL, or of the network, means for the operator. */
const REASONS: Record<string, string> = {
  '28P01': 'PostgreSQL refuses the user name or password of NUXT_DATABASE_URL.',
  '28000': 'PostgreSQL does not let the user of NUXT_DATABASE_URL in; its pg_hba.conf says who may.',
  '3D000': 'The database that NUXT_DATABASE_URL names does not exist; create it.',
  '42501': 'The user of NUXT_DATABASE_URL may not do this in the database; it needs the right to create tables there.',
  '53100': 'The disk of PostgreSQL is full; make room or lower the retention.',
  '53300': 'PostgreSQL has no connection left for this application; raise its max_connections.',
  '25006': 'PostgreSQL only lets itself be read: NUXT_DATABASE_URL must name the server that takes writes.',
}
const UNREACHABLE = 'PostgreSQL cannot be reached; check that it runs, and NUXT_DATABASE_URL. '
  + 'What arrives waits in the broker meanwhile.'
const OTHER = 'The history cannot be written: PostgreSQL reports an error.'
/** Connection lost, server stopping or starting. */
const UNREACHABLE_CODE = /^(?:08|57P0|E[A-Z]+$)/

/** An error whose message can be shown to a client. The client learns that the server failed, not its request. */
export class HistoryError extends Error {
  readonly statusCode = 503
  readonly data = { code: 'history-unavailable' }
}

/** The failure as a sentence that says what to do: without address, user or password. */
export function inWords(error: unknown): string {
  if (error instanceof HistoryError) return error.message
  const code = codeOf(error)
  if (code === undefined) return UNREACHABLE
  return REASONS[code] ?? (UNREACHABLE_CODE.test(code) ? UNREACHABLE : `${OTHER.slice(0, -1)} (${code}).`)
}

function codeOf(error: unknown): string | undefined {
  return typeof error === 'object' && error !== null && 'code' in error && typeof error.code === 'string' ? error.code : undefined
}
