// The database that a history is moved to. How far that is stands in its table `meta`, written with the rows it speaks of; while
// the mark `moving` is there, no server starts on it.
import { setMeta } from '../../server/history/postgres/migrations.ts'
import { MOVING } from '../../server/history/postgres/migration-guard.ts'
import { openPartitions } from '../../server/history/postgres/partitions.ts'
import { openConnections } from '../../server/history/postgres/open-connections.ts'
import type { Query } from '../../server/history/postgres/connections.ts'
import { inDatabase, MigrateFailure, toldInWords } from './failure.ts'
import type { Portion, Target } from './parts.ts'
import type { Source } from './source.ts'

/** What was moved here, to its end. */
const MOVED = 'moved'
const ANOTHER = 'name an empty one with --to'

export interface OpenTarget {
  /** On another connection than what is written. */
  read: Query
  /** `begun`: nothing was here; `resumed`: it goes on where it was interrupted; `done`: everything is here. */
  state: 'begun' | 'resumed' | 'done'
  /** Up to where a part is moved. */
  markOf: (part: string) => number
  /** Writes a portion and that it is there, in one transaction. */
  store: (part: string, portion: Portion) => Promise<void>
  /** Everything is here and has been compared: from now on a server may start. */
  finish: () => Promise<void>
  close: () => Promise<void>
}

/** @throws a failure fit to show when something else is in the database, or the database fails. */
export async function openTarget(url: string, source: Source): Promise<OpenTarget> {
  let lost: Error | undefined
  // The last transaction alone has to wait for the disk: those before it are then there, too.
  const session = await inDatabase(() => openConnections(url, 'normal', true, (error) => { lost = error }))
  const write = toldInWords((text, values) => lost ? Promise.reject(lost) : session.write(text, values))
  try {
    const marks = await readMarks(write)
    const state = await stateOf(marks, source, write)
    if (state === 'begun') await begin(source, write)
    const target: Target = { query: write, partitions: await openPartitions(write, Date.now) }
    return {
      read: session.read,
      state,
      markOf: part => marks.get(markName(part)) ?? Number.MIN_SAFE_INTEGER,
      async store(part, portion) {
        await write('BEGIN')
        await portion.write(target)
        await write(setMeta(markName(part), portion.mark))
        await write('COMMIT')
      },
      finish: () => finish(source, write),
      close: session.close,
    }
  }
  catch (error) {
    await session.close()
    throw error
  }
}

const markName = (part: string) => `${MOVING} ${part}`

async function readMarks(write: Query): Promise<Map<string, number>> {
  return new Map((await write('SELECT key, value FROM meta')).map(({ key, value }) => [String(key), Number(value)]))
}

async function stateOf(marks: Map<string, number>, { fingerprint }: Source, write: Query): Promise<OpenTarget['state']> {
  if (marks.get(MOVED) === fingerprint) return 'done'
  if (marks.get(MOVING) === fingerprint) return 'resumed'
  if (marks.has(MOVING)) throw new MigrateFailure(`The database of --to holds half of another history, or of this one as it was before it changed; ${ANOTHER}.`)
  const tables = ['device', 'document', 'segment', 'minute', 'hour', 'batch']
  const [row] = await write(`SELECT ${tables.map(table => `EXISTS (SELECT 1 FROM ${table})`).join(' OR ')} AS used`)
  if (row?.used === true) throw new MigrateFailure(`The database of --to already holds another history; ${ANOTHER}.`)
  return 'begun'
}

/** A server that was started on it once may have left that it was there. */
async function begin({ fingerprint, marks }: Source, write: Query) {
  await write('BEGIN')
  await write('DELETE FROM meta WHERE key <> \'schema\'')
  await write('DELETE FROM presence')
  await write('DELETE FROM delivery')
  const all = [...marks, [MOVING, fingerprint] as const]
  await write('INSERT INTO meta (key, value) SELECT * FROM unnest($1::text[], $2::bigint[])', [all.map(([key]) => key), all.map(([, value]) => value)])
  await write('COMMIT')
}

async function finish({ fingerprint }: Source, write: Query) {
  await write('BEGIN; SET LOCAL synchronous_commit = on')
  await write('DELETE FROM meta WHERE key = $1 OR key LIKE $2', [MOVING, `${MOVING} %`])
  await write(setMeta(MOVED, fingerprint))
  await write('COMMIT')
  // Whoever asks first should not have to ask a database that does not know how much it holds.
  await write('ANALYZE device, series, segment, minute, hour, presence')
}
