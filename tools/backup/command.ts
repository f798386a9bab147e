import { rmSync } from 'node:fs'
import { BackupFailure } from './failure.ts'
import { readOptions } from './options.ts'
import type { Options } from './options.ts'
import { createProgress } from './progress.ts'
import type { Steps } from './progress.ts'

const FAILED = 1
const WRONG_OPTIONS = 2
const INTERRUPTED = 130

export interface Command {
  name: string
  help: string
  /** Does it; what it says at the end. @throws {BackupFailure} */
  run: (options: Options, steps: Steps) => Promise<string>
  /** Files that are only there while it runs. */
  parts: (options: Options) => string[]
}

/** Runs a command of the shell: 0 done, 1 not done (and said why), 2 wrong options. */
export async function runCommand({ name, help, run, parts }: Command) {
  const asked = readOptions(process.argv.slice(2), process.env)
  if (asked.kind === 'help') process.stdout.write(help)
  if (asked.kind === 'wrong') {
    process.stderr.write(`${asked.fault}\nnpm run ${name} -- --help lists the options.\n`)
    process.exitCode = WRONG_OPTIONS
  }
  if (asked.kind !== 'run') return
  const { options } = asked
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.once(signal, () => {
      for (const part of parts(options)) rmSync(part, { force: true })
      process.exit(INTERRUPTED)
    })
  }
  const progress = createProgress(process.stdout)
  try {
    progress.end(await run(options, progress))
  }
  catch (error) {
    if (!(error instanceof BackupFailure)) throw error
    progress.clear()
    process.stderr.write(`${error.message}\n`)
    process.exitCode = FAILED
  }
}
