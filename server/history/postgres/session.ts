// The connections to one database: one that writes, and some that read. Nobody else may write the same tables meanwhile.
import type { Client, ClientConfig, Pool, QueryResult } from 'pg'
import type { Durability } from '../contract'
import { HistoryError, inWords } from './faults'
import { migrate } from './migrations'

const CONNECT_MS = 5_000
/** A connection whose other end is gone would be waited for without end. */
const QUERY_MS = 60_000
const READERS = 4
/** The lock of this application; the other half of it is the schema. */
const LOCK = 1_279_677_268
/** So long one that was killed may take until PostgreSQL has noticed. */
const LOCK_MS = 5_000
const LOCK_AGAIN_MS = 100
const INT8 = 20

export type Row = Record<string, unknown>

/** Runs a statement. @throws what `pg` says. */
export type Query = (text: string, values?: readonly unknown[]) => Promise<Row[]>

export interface Session {
  /** On the connection that writes; one statement after the other. */
  write: Query
  /** The same of a statement that is used again and again. */
  writeNamed: (name: string, text: string, values: readonly unknown[]) => Promise<Row[]>
  /** On one of the others, each statement its own transaction. Rejects with an Error that is fit to show. */
  read: Query
  close: () => Promise<void>
}

/** Connects, takes the lock and brings the schema up to date. `onLost`: the connection is gone. @throws an Error; {@link inWords} says what. */
export async function openSession(url: string, durability: Durability, partitions: boolean, onLost: (error: Error) => void): Promise<Session> {
  // Loaded only where it is wanted: nobody else pays for it.
  const { default: pg } = await import('pg')
  const config: ClientConfig = {
    connectionString: url,
    application_name: 'leitstand',
    connectionTimeoutMillis: CONNECT_MS,
    query_timeout: QUERY_MS,
    keepAlive: true,
    types: { getTypeParser: (oid, format) => oid === INT8 ? Number : pg.types.getTypeParser(oid, format) },
  }
  const client = new pg.Client(config)
  const pool = new pg.Pool({ ...config, max: READERS })
  let isOpen = true
  const lost = (error: Error) => {
    if (isOpen) onLost(error)
  }
  // An idle reader that is cut is replaced by the next question.
  pool.on('error', () => {})
  client.on('error', lost)
  client.on('end', () => lost(new Error('The connection has ended.')))

  async function close() {
    isOpen = false
    await Promise.allSettled([client.end(), pool.end()])
  }

  try {
    await client.connect()
    await client.query(`SET synchronous_commit = ${durability === 'full' ? 'on' : 'off'}`)
    const write = queryOn(client)
    await takeLock(write)
    await migrate(write, partitions)
    return {
      write,
      writeNamed: async (name, text, values) => (await client.query<Row>({ name, text, values: [...values] })).rows,
      read: toldInWords(queryOn(pool)),
      close,
    }
  }
  catch (error) {
    await close()
    throw error
  }
}

function queryOn(connection: Client | Pool): Query {
  return async (text, values = []) => {
    const result: QueryResult<Row> = await connection.query<Row>(text, [...values])
    return result.rows
  }
}

function toldInWords(query: Query): Query {
  return async (text, values) => {
    try {
      return await query(text, values)
    }
    catch (error) {
      throw new HistoryError(inWords(error), { cause: error })
    }
  }
}

/** PostgreSQL gives it back when the connection ends, with whatever that still had to do. */
async function takeLock(query: Query) {
  const giveUp = Date.now() + LOCK_MS
  while ((await query(`SELECT pg_try_advisory_lock(${LOCK}, hashtext(current_schema())) AS taken`))[0]?.taken !== true) {
    if (Date.now() > giveUp) throw new HistoryError('Another application of this kind writes into the database of NUXT_DATABASE_URL; each needs a database, or a schema, of its own.')
    await new Promise(resolve => setTimeout(resolve, LOCK_AGAIN_MS))
  }
}
