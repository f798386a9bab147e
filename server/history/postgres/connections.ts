// The connections to one database: some that write, and some that read.
import type { Client, ClientConfig, Pool, QueryResult } from 'pg'
import type { Durability } from '../contract'
import { HistoryError, inWords } from './errors'

const CONNECT_MS = 5_000
/** A connection whose other end is gone would be waited for without end. */
const QUERY_MS = 60_000
const READERS = 4
/** The lock of this application; the other half of it is the schema. */
export const LOCK = 1_279_677_268
/** So long one that was killed may take until PostgreSQL has noticed. */
const LOCK_MS = 5_000
const LOCK_AGAIN_MS = 100
const INT8 = 20
/** A machine that is gone says no goodbye: within some ten seconds its locks are free for others. */
const NOTICE_GONE = 'SET tcp_keepalives_idle = 4; SET tcp_keepalives_interval = 2; SET tcp_keepalives_count = 3'

export type Row = Record<string, unknown>

/** Runs a statement. @throws what `pg` says. */
export type Query = (text: string, values?: readonly unknown[]) => Promise<Row[]>

/** One connection: one statement after the other, transactions and locks of its own. */
export interface DedicatedConnection {
  query: Query
  /** The same of a statement that is used again and again. */
  named: (name: string, text: string, values: readonly unknown[]) => Promise<Row[]>
  /** Is told of what others {@link https://www.postgresql.org/docs/current/sql-notify.html notify}, once this line LISTENs. */
  onNotice: (told: () => void) => void
  /** Ends it, and with it what it still holds. */
  close: () => Promise<void>
}

export interface Connections {
  /** On the connection that writes; one statement after the other. */
  write: Query
  /** The same of a statement that is used again and again. */
  writeNamed: DedicatedConnection['named']
  /** On one of the others, each statement its own transaction. Rejects with an Error that is fit to show. */
  read: Query
  close: () => Promise<void>
}

export interface Database {
  /** One more connection; `onLost`: it is gone. @throws an Error; {@link inWords} says what. */
  line: (onLost: (error: Error) => void) => Promise<DedicatedConnection>
  /** On one of some that only read, each statement its own transaction. Rejects with an Error that is fit to show. */
  read: Query
  /** Ends those that read. */
  close: () => Promise<void>
}

/** Connects to nothing yet. */
export async function toDatabase(url: string, durability: Durability): Promise<Database> {
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
  const pool = new pg.Pool({ ...config, max: READERS })
  // An idle reader that is cut is replaced by the next question.
  pool.on('error', () => {})

  return {
    async line(onLost) {
      const client = new pg.Client(config)
      let isOpen = true
      const lost = (error: Error) => {
        if (isOpen) onLost(error)
      }
      client.on('error', lost)
      client.on('end', () => lost(new Error('The connection has ended.')))
      async function close() {
        isOpen = false
        await client.end().catch(() => {})
      }
      try {
        await client.connect()
        await client.query(`SET synchronous_commit = ${durability === 'full' ? 'on' : 'off'}; ${NOTICE_GONE}`)
      }
      catch (error) {
        await close()
        throw error
      }
      return {
        query: queryOn(client),
        named: async (name, text, values) => (await client.query<Row>({ name, text, values: [...values] })).rows,
        onNotice: told => void client.on('notification', told),
        close,
      }
    },
    read: toldInWords(queryOn(pool)),
    close: () => pool.end().catch(() => {}),
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

const TAKEN = {
  alone: 'Another application of this kind writes into the database of NUXT_DATABASE_URL; each needs a database, or a schema, of its own (replicas of one another are all started with NUXT_CLUSTER=true).',
  replica: 'An application that is no replica (without NUXT_CLUSTER=true) writes into the database of NUXT_DATABASE_URL; stop it first.',
}

/**
 * Takes the place of the only application at a database, or that of one replica among others. PostgreSQL gives it back when the
 * connection ends, with whatever that still had to do.
 */
export async function takePlace(query: Query, as: keyof typeof TAKEN) {
  const giveUp = Date.now() + LOCK_MS
  while (!await tryLock(query, LOCK, 'hashtext(current_schema())', as === 'replica')) {
    if (Date.now() > giveUp) throw new HistoryError(TAKEN[as])
    await new Promise(resolve => setTimeout(resolve, LOCK_AGAIN_MS))
  }
}

/** Takes an advisory lock until the connection ends; false: somebody else has it. */
export async function tryLock(query: Query, first: number, second: string, isShared = false): Promise<boolean> {
  return (await query(`SELECT pg_try_advisory_lock${isShared ? '_shared' : ''}(${first}, ${second}) AS taken`))[0]?.taken === true
}
