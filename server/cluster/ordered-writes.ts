// All writes of a replica besides its share of the messages: documents, and on the leader packing and presence.
import { inWords } from '../history/postgres/errors'
import type { DedicatedConnection, Query } from '../history/postgres/connections'
import type { Work } from '../history/postgres/writer'
import { NOTIFY_CHANNEL } from './log-reader'
import { joinEntries, writeEntry } from './log-codec'
import type { NoteKind, Notes } from './log-codec'

/** A note for all replicas; `device`: the number of the device it is about, if any. */
export type Note = { [K in NoteKind]: { kind: K, device?: number, value: Notes[K] } }[NoteKind]

export interface Broadcast {
  notes: readonly Note[]
  /** Numbers of devices change their meaning here: writers must first apply the log up to this point. */
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

  async function append({ notes, forgets = false }: Broadcast): Promise<number> {
    const body = joinEntries(notes.map(({ kind, device = 0, value }) => writeEntry(device, kind, 0, JSON.stringify(value))))
    const rows = await query(`WITH h AS (UPDATE head SET last = last + $1, forgets = CASE WHEN $2 THEN last + $1 ELSE forgets END RETURNING last),
      b AS (INSERT INTO batch (last, body) SELECT last, $3 FROM h) SELECT last, ${NOTIFY_CHANNEL} FROM h`, [notes.length, forgets, body])
    return Number(rows[0]?.last)
  }

  return {
    /** Runs in a transaction of its own, one after the other. */
    work: ({ begin, done }: Work) => inTurn(async () => {
      await transact(() => begin()(query))
      done()
    }),
    /**
     * The same, and appends notes for all replicas in the same transaction; resolves when this replica has applied
     * them. `isRaced`: replicas wait for each other before, not at the end.
     */
    async appendAndWait(act: (query: Query) => Promise<Broadcast>, isRaced = false): Promise<void> {
      const id = await inTurn(() => transact(async () => {
        if (isRaced) await query('SELECT last FROM head FOR UPDATE')
        const broadcast = await act(query)
        return broadcast.notes.length === 0 ? 0 : append(broadcast)
      }))
      await reached(id)
    },
    settled: () => last,
  }
}
export type OrderedWrites = ReturnType<typeof createOrderedWrites>

/** An error that can be shown to a client. */
export function toBroadcast(error: unknown): Error {
  return new Error(inWords(error), { cause: error })
}
