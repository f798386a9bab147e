// The database that a history is moved to. How far that is stands in its table `meta`, written with the rows it speaks of; while
// the mark `moving` is there, no server starts on it.
import type { Query } from '../../server/history/postgres/connections.ts'
import { inWords } from '../../server/history/postgres/errors.ts'
import { MOVING } from '../../server/history/postgres/migration-guard.ts'
import { setMeta } from '../../server/history/postgres/migrations.ts'
import { openConnections } from '../../server/history/postgres/open-connections.ts'
import { openPartitions } from '../../server/history/postgres/partitions.ts'
import { CommandFailure } from '../cli/failure.ts'
import type { Source } from './source.ts'
import { insertOf } from './tables.ts'
import type { Portion, Table } from './tables.ts'

/** What was moved here, to its end. */
const MOVED = 'moved'
const ANOTHER = 'name an empty one with --to'
const AWAY = 'PostgreSQL cannot be reached, or is gone; check that it runs, and the address of --to. The same command then goes on where it was.'

/** Runs a step in PostgreSQL. @throws {CommandFailure} of what it complains about. */
async function inDatabase<T>(step: () => Promise<T>): Promise<T> {
  try {
    return await step()
  }
  catch (error) {
    const words = inWords(error)
    throw new CommandFailure(words.startsWith('PostgreSQL cannot be reached') ? AWAY : words.replaceAll('NUXT_DATABASE_URL', '--to'), { cause: error })
  }
}

/** @throws {CommandFailure} when something else is in the database, or the database fails; so do its functions. */
export async function openTarget(url: string, source: Source) {
  const { fingerprint } = source
  let lost: Error | undefined
  // The last transaction alone has to wait for the disk: those before it are then there, too.
  const session = await inDatabase(() => openConnections(url, 'normal', true, (error) => { lost = error }))
  const write: Query = (text, values) => inDatabase(() => lost ? Promise.reject(lost) : session.write(text, values))
  const markName = ({ name }: Table) => `${MOVING} ${name}`
  try {
    const marks = new Map((await write('SELECT key, value FROM meta')).map(({ key, value }) => [String(key), Number(value)]))
    const isDone = marks.get(MOVED) === fingerprint
    const isResumed = marks.get(MOVING) === fingerprint
    if (!isDone && !isResumed) await begin(source, marks, write)
    const partitions = await openPartitions(write, Date.now)
    return {
      isDone,
      isResumed,
      /** Up to where a table is moved. */
      markOf: (table: Table) => marks.get(markName(table)) ?? Number.MIN_SAFE_INTEGER,
      /** Writes a portion and that it is there, in one transaction. */
      async store(table: Table, { rows, mark }: Portion) {
        await write('BEGIN')
        const { partition } = table
        if (partition) await partitions.ensure(partition.table, rows.map(row => Number(row[partition.by])), write)
        await write(...insertOf(table, rows))
        await write(setMeta(markName(table), mark))
        await write('COMMIT')
      },
      countRows: async ({ name }: Table) => Number((await write(`SELECT count(*) AS n FROM ${name}`))[0]?.n),
      /** Everything is here: from now on a server may start. */
      async finish() {
        await write('BEGIN; SET LOCAL synchronous_commit = on')
        await write('SELECT setval(pg_get_serial_sequence(\'series\', \'id\'), max(id)) FROM series')
        await write('DELETE FROM meta WHERE key = $1 OR key LIKE $2', [MOVING, `${MOVING} %`])
        await write(setMeta(MOVED, fingerprint))
        await write('COMMIT')
        // Whoever asks first should not have to ask a database that does not know how much it holds.
        await write('ANALYZE device, series, segment, minute, hour, presence')
      },
      [Symbol.asyncDispose]: session.close,
    }
  }
  catch (error) {
    await session.close()
    throw error
  }
}

/** Marks an empty database as being moved to. A server that was started on it once may have left that it was there. */
async function begin({ fingerprint, marks }: Source, there: Map<string, number>, write: Query) {
  if (there.has(MOVING)) throw new CommandFailure(`The database of --to holds half of another history, or of this one as it was before it changed; ${ANOTHER}.`)
  const telling = ['device', 'document', 'segment', 'minute', 'hour', 'batch']
  const [row] = await write(`SELECT ${telling.map(name => `EXISTS (SELECT 1 FROM ${name})`).join(' OR ')} AS used`)
  if (row?.used === true) throw new CommandFailure(`The database of --to already holds another history; ${ANOTHER}.`)
  await write('BEGIN')
  await write('DELETE FROM meta WHERE key <> \'schema\'')
  for (const name of ['series', 'presence', 'delivery']) await write(`DELETE FROM ${name}`)
  const all = [...marks, [MOVING, fingerprint] as const]
  await write('INSERT INTO meta (key, value) SELECT * FROM unnest($1::text[], $2::bigint[])', [all.map(([key]) => key), all.map(([, value]) => value)])
  await write('COMMIT')
}
