import { existsSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { z } from 'zod'
import { readSettings, SettingsError } from '../../server/settings.ts'

export interface Options {
  /** The database file of the history that is moved. */
  file: string
  /** The address of the PostgreSQL database, with user and password. */
  url: string
  /** Rows that are moved in one transaction at most. */
  rows: number
}

export type Asked
  = | { kind: 'run', options: Options }
    | { kind: 'help' }
    /** What is wrong, in one sentence. */
    | { kind: 'wrong', fault: string }

const ARGUMENTS = { from: { type: 'string' }, to: { type: 'string' }, rows: { type: 'string' }, help: { type: 'boolean' } } as const
export const MOST_ROWS = 100_000
export const DEFAULT_ROWS = 5_000
const RowsSchema = z.string().regex(/^\d+$/).transform(Number).pipe(z.int().min(1).max(MOST_ROWS))

/**
 * Reads the command line of `migrate-history` (without `node` and the file's name). Never throws for what somebody typed.
 * @param env The environment: what is not named is where the server's settings say.
 */
export function readOptions(args: string[], env: Record<string, string | undefined>): Asked {
  const typed = parse(args)
  if (typeof typed === 'string') return { kind: 'wrong', fault: typed }
  const { help, from, to, rows } = typed
  if (help) return { kind: 'help' }
  if (from === '') return { kind: 'wrong', fault: '--from needs the name of a folder or of a database file.' }
  const most = RowsSchema.safeParse(rows ?? String(DEFAULT_ROWS))
  if (!most.success) return { kind: 'wrong', fault: `--rows must be a whole number from 1 to ${MOST_ROWS}.` }
  const url = addressOf(to, env)
  return 'fault' in url ? { kind: 'wrong', fault: url.fault } : { kind: 'run', options: { file: fileOf(from ?? (env.NUXT_DATA_DIR || '.data')), url: url.url, rows: most.data } }
}

/** By the rules of the server's setting; a password is not for everybody's list of processes, so it may lie in a file. */
function addressOf(to: string | undefined, env: Record<string, string | undefined>): { url: string } | { fault: string } {
  const given = to === undefined ? { NUXT_DATABASE_URL: env.NUXT_DATABASE_URL, NUXT_DATABASE_URL_FILE: env.NUXT_DATABASE_URL_FILE } : { NUXT_DATABASE_URL: to }
  try {
    const { databaseUrl: url } = readSettings({}, given)
    return url === '' ? { fault: '--to is missing: the address of the PostgreSQL database, such as postgres://user:password@host:5432/leitstand.' } : { url }
  }
  catch (error) {
    if (!(error instanceof SettingsError)) throw error
    return { fault: to === undefined ? error.message : '--to must be an address such as postgres://user:password@host:5432/leitstand.' }
  }
}

function fileOf(from: string): string {
  return existsSync(from) && statSync(from).isDirectory() ? join(from, 'history.db') : from
}

function parse(args: string[]) {
  try {
    return parseArgs({ args, options: ARGUMENTS }).values
  }
  catch (error) {
    // Node explains in several sentences; the first says what is wrong.
    const explanation = error instanceof Error ? error.message : String(error)
    return `${explanation.replace(/\.?(?:\s(?=To |Did |This )|\n)[^]*$/, '')}.`
  }
}
