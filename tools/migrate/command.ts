import { checksumOf, differences } from './checksum.ts'
import type { Checksum } from './checksum.ts'
import { MigrateFailure, sentenceOf } from './failure.ts'
import { moveAll } from './move.ts'
import { readOptions } from './options.ts'
import type { Options } from './options.ts'
import { count, createProgress } from './progress.ts'
import type { Progress } from './progress.ts'
import { postgresSide, sqliteSide } from './sides.ts'
import type { Side } from './sides.ts'
import { openSource } from './source.ts'
import type { Source } from './source.ts'
import { openTarget } from './target.ts'
import type { OpenTarget } from './target.ts'

const FAILED = 1
const WRONG_OPTIONS = 2
/** Of what differs, so much is listed. */
const MOST_LISTED = 10

/** Runs the command of the shell: 0 done, 1 not done (and said why), 2 wrong options. */
export async function runCommand(help: string) {
  const asked = readOptions(process.argv.slice(2), process.env)
  if (asked.kind === 'help') process.stdout.write(help)
  if (asked.kind === 'wrong') {
    process.stderr.write(`${asked.fault}\nnpm run migrate-history -- --help lists the options.\n`)
    process.exitCode = WRONG_OPTIONS
  }
  if (asked.kind !== 'run') return
  const progress = createProgress(process.stdout)
  try {
    await migrateHistory(asked.options, progress)
  }
  catch (error) {
    const sentence = sentenceOf(error)
    if (sentence === undefined) throw error
    progress.clear()
    process.stderr.write(`${sentence}\n`)
    process.exitCode = FAILED
  }
}

/** @throws a failure fit to show. */
async function migrateHistory({ file, url, rows }: Options, progress: Progress) {
  const source = await openSource(file)
  try {
    const target = await openTarget(url, source)
    try {
      if (target.state === 'done') return progress.say('There is nothing left to do: this history has been moved to this database.')
      if (target.state === 'resumed') progress.say('Going on where it was interrupted.')
      await moveAndCompare(source, target, rows, progress)
    }
    finally {
      await target.close()
    }
  }
  finally {
    source.close()
  }
}

async function moveAndCompare(source: Source, target: OpenTarget, rows: number, progress: Progress) {
  const began = performance.now()
  await moveAll(source, target, rows, progress)
  const moved = performance.now()
  const here = await read(sqliteSide(source), progress)
  const there = await read(await postgresSide(target.read, source.marks.keys()), progress)
  const different = differences(here, there)
  if (different.length > 0) {
    const more = different.length > MOST_LISTED ? ` and ${count(different.length - MOST_LISTED)} more` : ''
    throw new MigrateFailure(`The two are not the same: ${different.slice(0, MOST_LISTED).join(', ')}${more}. Empty the database of --to and start anew; what is in SQLite is as it was.`)
  }
  if (source.hasChanged()) throw new MigrateFailure('The history was written to while it was moved: stop the server, empty the database of --to and start anew.')
  await target.finish()
  const seconds = (performance.now() - began) / 1_000
  progress.say(`Moved ${count(here.devices.size)} devices with ${count(here.samples)} samples in ${count(here.messages)} messages; both sides are the same. ${seconds.toFixed(1)} s, of which ${((performance.now() - moved) / 1_000).toFixed(1)} s to compare (${count(here.samples / seconds)} samples/s in all).`)
}

async function read(side: Side, progress: Progress): Promise<Checksum> {
  const devices = (await side.devices()).length
  const checksum = await checksumOf(side, progress.begin(`read back from ${side.name}`, '', devices))
  progress.say(`${side.name}: ${count(checksum.samples)} samples, SHA-256 ${checksum.all}`)
  return checksum
}
