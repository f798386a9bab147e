import { parseArgs } from 'node:util'

export interface Options { file: string, data: string, force: boolean }

export type Asked
  = | { kind: 'run', options: Options }
    | { kind: 'help' }
    /** What is wrong, in one sentence. */
    | { kind: 'wrong', fault: string }

const ARGUMENTS = { data: { type: 'string' }, force: { type: 'boolean' }, help: { type: 'boolean' } } as const

/**
 * Reads the command line of `backup` and `restore` (without `node` and the file's name). Never throws for what somebody typed.
 * @param env The environment, for `NUXT_DATA_DIR`.
 */
export function readOptions(args: string[], env: Record<string, string | undefined>): Asked {
  const typed = parse(args)
  if (typeof typed === 'string') return { kind: 'wrong', fault: typed }
  const { values: { data, force = false, help }, positionals: [file, ...more] } = typed
  if (help) return { kind: 'help' }
  if (!file) return { kind: 'wrong', fault: 'The name of the backup file is missing.' }
  if (more.length > 0) return { kind: 'wrong', fault: `One file is enough, but ${more.join(' ')} came after it.` }
  if (data === '') return { kind: 'wrong', fault: '--data needs the name of a folder.' }
  return { kind: 'run', options: { file, data: data ?? (env.NUXT_DATA_DIR || '.data'), force } }
}

function parse(args: string[]) {
  try {
    return parseArgs({ args, options: ARGUMENTS, allowPositionals: true })
  }
  catch (error) {
    // Node explains in several sentences; the first says what is wrong.
    const explanation = error instanceof Error ? error.message : String(error)
    return `${explanation.replace(/\.?(?:\s(?=To |Did |This )|\n)[^]*$/, '')}.`
  }
}
