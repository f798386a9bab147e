import { rmSync } from 'node:fs'
import { parseOptions } from '../cli/command.ts'
import type { Asked } from '../cli/command.ts'

/** `force`: replace the file, or set an existing history aside. */
export interface Options { file: string, data: string, force: boolean }

const ARGUMENTS = { data: { type: 'string' }, force: { type: 'boolean' }, help: { type: 'boolean' } } as const

/** Reads the command line, without `node` and the file's name; `env` has `NUXT_DATA_DIR`. */
export function readOptions(args: string[], env: Record<string, string | undefined>): Asked<Options> {
  const typed = parseOptions({ args, options: ARGUMENTS, allowPositionals: true })
  if (typeof typed === 'string') return { kind: 'wrong', fault: typed }
  const { values: { data = env.NUXT_DATA_DIR || '.data', force = false, help }, positionals: [file, ...more] } = typed
  if (help) return { kind: 'help' }
  if (!file) return { kind: 'wrong', fault: 'The name of the backup file is missing.' }
  if (more.length > 0) return { kind: 'wrong', fault: `One file is enough, but ${more.join(' ')} came after it.` }
  return data === '' ? { kind: 'wrong', fault: '--data needs the name of a folder.' } : { kind: 'run', options: { file, data, force } }
}

/** Removes files that are only there while the command runs, also when it is interrupted. */
export function removeAtExit(parts: readonly string[]) {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => process.exit(130))
  process.once('exit', () => parts.forEach(part => rmSync(part, { force: true })))
}
