// What the commands of this folder have in common: options, help, exit codes, and sentences for what went wrong.
import { parseArgs } from 'node:util'
import type { ParseArgsConfig } from 'node:util'
import { CommandFailure } from './failure.ts'
import { createProgress } from './progress.ts'
import type { Progress } from './progress.ts'

const FAILED = 1
const WRONG_OPTIONS = 2

export type Asked<Options>
  = | { kind: 'run', options: Options }
    | { kind: 'help' }
    /** What is wrong, in one sentence. */
    | { kind: 'wrong', fault: string }

/** As `parseArgs`, but what somebody typed wrong is a sentence. */
export function parseOptions<T extends ParseArgsConfig>(config: T): ReturnType<typeof parseArgs<T>> | string {
  try {
    return parseArgs(config)
  }
  catch (error) {
    // Node explains in several sentences; the first says what is wrong.
    const explanation = error instanceof Error ? error.message : String(error)
    return `${explanation.replace(/\.?(?:\s(?=To |Did |This )|\n)[^]*$/, '')}.`
  }
}

export interface Command<Options> {
  /** As in `npm run NAME`. */
  name: string
  help: string
  asked: Asked<Options>
  /** Does it. @throws {CommandFailure} */
  run: (options: Options, progress: Progress) => Promise<void> | void
}

/** Exit codes: 0 done, 1 not done (and said why), 2 wrong options. */
export async function runCommand<Options>({ name, help, asked, run }: Command<Options>) {
  if (asked.kind === 'help') process.stdout.write(help)
  if (asked.kind === 'wrong') {
    process.stderr.write(`${asked.fault}\nnpm run ${name} -- --help lists the options.\n`)
    process.exitCode = WRONG_OPTIONS
  }
  if (asked.kind !== 'run') return
  const progress = createProgress(process.stdout)
  try {
    await run(asked.options, progress)
  }
  catch (error) {
    // What the system says of a file is a sentence already.
    if (!(error instanceof CommandFailure) && !(error instanceof Error && 'syscall' in error)) throw error
    progress.clear()
    process.stderr.write(`${error.message}\n`)
    process.exitCode = FAILED
  }
}
