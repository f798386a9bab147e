// Everything that a replica writes besides its share of the messages: documents, and, when it leads, what it packs and finds.
import { inWords } from '../history/postgres/errors'
import type { DedicatedConnection, Query } from '../history/postgres/connections'
import type { Work } from '../history/postgres/writer'
import { NOTIFY_CHANNEL } from './log-reader'
import { joinEntries, writeEntry } from './log-codec'
import type { NoteKind, Notes } from './log-codec'

/** Something to tell all replicas; `device`: the number of the one that it is about, if any. */
export type Note = { [K in NoteKind]: { kind: K, device?: number, value: Notes[K] } }[NoteKind]

export interface Broadcast {
  notes: readonly Note[]
  /** Numbers of devices mean something else from here on: whoever writes has to follow first. */
  forgets?: boolean
}

export interface OrderedWritesOptions { line: Pick<DedicatedConnection, 'query'>, reached: (id: number) => Promise<void> }

export function createOrderedWrites({ line, reached }: OrderedWritesOptions) {
  const { query } = line
  let last: Promise<unknown> = Promise.resolve()

  function inTurn<T>(job: () => Promise<T>): Promise<T> {
    const run = last.then(job)
    last = run.catch(() => undefined)
    return run
  }

  async function transact<T>(job: () => Promise<T>): Promise<T> {
    await query('BEGIN')
    try {
      const result = await job()
      await query('COMMIT')
      return result
    }
    catch (error) {
      await query('ROLLBACK').catch(() => {})
      throw error
    }
  }

  async function tell({ notes, forgets = false }: Broadcast): Promise<number> {
    const body = joinEntries(notes.map(({ kind, device = 0, value }) => writeEntry(device, kind, 0, JSON.stringify(value))))
    const rows = await query(`WITH h AS (UPDATE head SET last = last + $1, forgets = CASE WHEN $2 THEN last + $1 ELSE forgets END RETURNING last),
      b AS (INSERT INTO batch (last, body) SELECT last, $3 FROM h) SELECT last, ${NOTIFY_CHANNEL} FROM h`, [notes.length, forgets, body])
    return Number(rows[0]?.last)
  }

  return {
    /** Does something in a transaction of its own, one after the other. */
    work: ({ begin, done }: Work) => inTurn(async () => {
      await transact(() => begin()(query))
      done()
    }),
    /** The same, and tells all replicas in the same transaction; resolves when this one has followed that. `isRaced`: replicas wait for each other before, not at the end. */
    async told(act: (query: Query) => Promise<Broadcast>, isRaced = false): Promise<void> {
      const id = await inTurn(() => transact(async () => {
        if (isRaced) await query('SELECT last FROM head FOR UPDATE')
        const told = await act(query)
        return told.notes.length === 0 ? 0 : tell(told)
      }))
      await reached(id)
    },
    settled: () => last,
  }
}
export type OrderedWrites = ReturnType<typeof createOrderedWrites>

/** An error as whoever asked may see it. */
export function toBroadcast(error: unknown): Error {
  return new Error(inWords(error), { cause: error })
}
