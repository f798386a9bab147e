// The connections to one database: some that write, and some that read.
import type { Client, ClientConfig, Pool, QueryResult } from 'pg'
import type { Durability } from '../contract'
import { HistoryError, inWords } from './errors'

const CONNECT_MS = 5_000
/** Without a limit, a connection to a dead host would be waited for without end. */
const QUERY_MS = 60_000
const READERS = 4
/** The first half of the lock's key; the second is the schema. */
export const LOCK = 1_279_677_268
/** PostgreSQL may take this long to notice that a client was killed. */
const LOCK_MS = 5_000
const LOCK_AGAIN_MS = 100
const INT8 = 20
/** A dead machine closes nothing: within some ten seconds its locks are free for others. */
const NOTICE_GONE = 'SET tcp_keepalives_idle = 4; SET tcp_keepalives_interval = 2; SET tcp_keepalives_count = 3'

export type Row = Record<string, unknown>

/** Runs a statement. @throws the errors of `pg`. */
export type Query = (text: string, values?: readonly unknown[]) => Promise<Row[]>

/** One connection: one statement after the other, with transactions and locks of its own. */
export interface DedicatedConnection {
  query: Query
  /** The same for a statement that is used again and again. */
  named: (name: string, text: string, values: readonly unknown[]) => Promise<Row[]>
  /**
   * Called when others {@link https://www.postgresql.org/docs/current/sql-notify.html notify}, once this connection
   * LISTENs.
   */
  onNotice: (notify: () => void) => void
  /** Closes it, and releases its locks. */
  close: () => Promise<void>
}

export interface Connections {
  /** On the connection that writes; one statement after the other. */
  write: Query
  /** The same for a statement that is used again and again. */
  writeNamed: DedicatedConnection['named']
  /** On one of the others, each statement its own transaction. Rejects with an Error that can be shown to a client. */
  read: Query
  close: () => Promise<void>
}

export interface Database {
  /** One more connection; `onLost`: it has ended. @throws an Error; {@link inWords} gives the reason. */
  dedicated: (onLost: (error: Error) => void) => Promise<DedicatedConnection>
  /**
   * On one of several read-only connections, each statement its own transaction. Rejects with an Error that can be
   * shown to a client.
   */
  read: Query
  /** Closes the read connections. */
  close: () => Promise<void>
}

/** Connects to nothing yet. */
export async function toDatabase(url: string, durability: Durability): Promise<Database> {
  // Loaded on demand: installations without PostgreSQL do not load it.
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
  // A reader that was cut while idle is replaced on the next query.
  pool.on('error', () => {})

  return {
    async dedicated(onLost) {
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
        onNotice: notify => void client.on('notification', notify),
        close,
      }
    },
    read: withErrorsInWords(queryOn(pool)),
    close: () => pool.end().catch(() => {}),
  }
}

function queryOn(connection: Client | Pool): Query {
  return async (text, values = []) => {
    const result: QueryResult<Row> = await connection.query<Row>(text, [...values])
    return result.rows
  }
}

function withErrorsInWords(query: Query): Query {
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
 * Takes the lock of the only application at a database, or of one replica among others. PostgreSQL releases it when
 * the connection ends, after all its work.
 */
export async function takePlace(query: Query, as: keyof typeof TAKEN) {
  const giveUp = Date.now() + LOCK_MS
  while (!await tryLock(query, LOCK, 'hashtext(current_schema())', as === 'replica')) {
    if (Date.now() > giveUp) throw new HistoryError(TAKEN[as])
    await new Promise(resolve => setTimeout(resolve, LOCK_AGAIN_MS))
  }
}

/** Takes an advisory lock until the connection ends; false: another connection holds it. */
export async function tryLock(query: Query, first: number, second: string, isShared = false): Promise<boolean> {
  return (await query(`SELECT pg_try_advisory_lock${isShared ? '_shared' : ''}(${first}, ${second}) AS taken`))[0]?.taken === true
}
