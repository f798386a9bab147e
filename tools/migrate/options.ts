import { existsSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { readSettings, SettingsError } from '../../server/settings.ts'
import { parseOptions } from '../cli/command.ts'
import type { Asked } from '../cli/command.ts'

/** The database file that is moved, the address of the PostgreSQL database, and how many rows a transaction has at most. */
export interface Options { file: string, url: string, rows: number }

const TEXT = { type: 'string' } as const
const ARGUMENTS = { from: TEXT, to: TEXT, rows: TEXT, help: { type: 'boolean' } } as const
const MOST_ROWS = 100_000
const EXAMPLE = 'postgres://user:password@host:5432/leitstand.'

/**
 * Reads the command line of `migrate-history` (without `node` and the file's name). Never throws for what somebody typed.
 * @param env The environment: what is not named is where the server's settings say.
 */
export function readOptions(args: string[], env: Record<string, string | undefined>): Asked<Options> {
  const typed = parseOptions({ args, options: ARGUMENTS })
  if (typeof typed === 'string') return { kind: 'wrong', fault: typed }
  const { help, from = env.NUXT_DATA_DIR || '.data', to, rows = '5000' } = typed.values
  if (help) return { kind: 'help' }
  if (from === '') return { kind: 'wrong', fault: '--from needs the name of a folder or of a database file.' }
  if (!/^\d+$/.test(rows) || Number(rows) < 1 || Number(rows) > MOST_ROWS) {
    return { kind: 'wrong', fault: `--rows must be a whole number from 1 to ${MOST_ROWS}.` }
  }
  const file = existsSync(from) && statSync(from).isDirectory() ? join(from, 'history.db') : from
  // A password is not for everybody's list of processes, so it may lie in a file.
  const { NUXT_DATABASE_URL, NUXT_DATABASE_URL_FILE } = env
  const given = to === undefined ? { NUXT_DATABASE_URL, NUXT_DATABASE_URL_FILE } : { NUXT_DATABASE_URL: to }
  try {
    const { databaseUrl: url } = readSettings({}, given)
    if (url === '') return { kind: 'wrong', fault: `--to is missing: the address of the PostgreSQL database, such as ${EXAMPLE}` }
    return { kind: 'run', options: { file, url, rows: Number(rows) } }
  }
  catch (error) {
    if (!(error instanceof SettingsError)) throw error
    return { kind: 'wrong', fault: to === undefined ? error.message : `--to must be an address such as ${EXAMPLE}` }
  }
}
