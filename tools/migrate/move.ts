import { CommandFailure, sqliteCode } from '../cli/failure.ts'
import { inDigits } from '../cli/progress.ts'
import type { Progress } from '../cli/progress.ts'
import type { Options } from './options.ts'
import { openSource } from './source.ts'
import type { Source } from './source.ts'
import { countRows, portionsOf, TABLES } from './tables.ts'
import { openTarget } from './target.ts'

type Target = Awaited<ReturnType<typeof openTarget>>

/** @throws {CommandFailure} */
export async function migrateHistory(options: Options, progress: Progress) {
  try {
    await migrate(options, progress)
  }
  catch (error) {
    if (!(error instanceof Error) || sqliteCode(error) === undefined) throw error
    throw new CommandFailure(`The history of --from cannot be read: ${error.message}.`, { cause: error })
  }
}

async function migrate({ file, url, rows }: Options, progress: Progress) {
  using source = await openSource(file)
  await using target = await openTarget(url, source)
  if (target.isDone) return progress.say('There is nothing left to do: this history has been moved to this database.')
  if (target.isResumed) progress.say('Going on where it was interrupted.')
  await moveAll(source, target, rows, progress)
  const counts = await compare(source, target)
  if (source.hasChanged()) {
    throw new CommandFailure('The history was written to while it was moved: stop the server, empty the database of --to and start anew.')
  }
  await target.finish()
  progress.say(`Moved ${counts}; the counts of both sides are the same.`)
}

/** Moves what is not there yet. While PostgreSQL writes one portion the next is read, and no more than that is held. */
async function moveAll(source: Source, target: Target, mostRows: number, progress: Progress) {
  let [total, before] = [0, 0]
  for (const table of TABLES) {
    total += countRows(table, source)
    before += countRows(table, source) - countRows(table, source, target.markOf(table))
  }
  const began = performance.now()
  let done = before
  const onDone = progress.begin('moved', total, (done, percent) => {
    const seconds = Math.max(1, performance.now() - began) / 1_000
    const left = done > before ? `, ${inWords(seconds * (total - done) / (done - before))} left` : ''
    return `${percent} % (${inDigits(done)} of ${inDigits(total)} rows, ${inDigits((done - before) / seconds)}/s${left})`
  })
  for (const table of TABLES) {
    let writing = Promise.resolve()
    for (const portion of portionsOf(table, source, target.markOf(table), mostRows)) {
      await writing
      onDone(done)
      done += portion.rows.length
      writing = target.store(table, portion)
      // It is awaited, but only after the next portion was read.
      writing.catch(() => {})
    }
    await writing
  }
  onDone(done)
}

/** The counts, in words. @throws {CommandFailure} when they are not the same on both sides. */
async function compare(source: Source, target: Target): Promise<string> {
  const counts: string[] = []
  const different: string[] = []
  for (const table of TABLES) {
    const [here, there] = [countRows(table, source), await target.countRows(table)]
    counts.push(`${table.name} ${inDigits(here)}`)
    if (here !== there) different.push(`${table.name} has ${inDigits(here)} rows here and ${inDigits(there)} there`)
  }
  if (different.length === 0) return counts.join(', ')
  throw new CommandFailure(`The two are not the same: ${different.join(', ')}. Empty the database of --to and start anew; what is in SQLite is as it was.`)
}

function inWords(seconds: number): string {
  const whole = Math.max(0, Math.ceil(seconds))
  return whole < 60 ? `${whole} s` : `${Math.floor(whole / 60)} min ${whole % 60} s`
}
