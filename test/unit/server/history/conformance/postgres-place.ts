import pg from 'pg'
import { afterAll, beforeAll } from 'vitest'
import { createPostgresHistory } from '../../../../../server/history/postgres/history'
import type { PostgresOptions } from '../../../../../server/history/postgres/history'
import { findPostgres, startPostgres } from '../../../../../tools/programs/postgres'
import type { RunningPostgres } from '../../../../../tools/programs/postgres'
import type { Place } from './site'

export const hasPostgres = findPostgres() !== undefined
if (!hasPostgres) {
  const line = 'Missing on this machine: PostgreSQL. The tests of the history in it are skipped.'
  if (process.env.LEITSTAND_TEST_REQUIRE_ALL) throw new Error(line)
  console.warn(`\n${line}\n`)
}

export interface PostgresPlace extends Place {
  url: string
  query: (text: string) => Promise<Record<string, unknown>[]>
}

/** A PostgreSQL for the tests of a file, in which each place is a schema. */
export function usePostgres() {
  let server: RunningPostgres | undefined
  let client: pg.Client | undefined
  let schemas = 0
  beforeAll(async () => {
    server = await startPostgres({ fsync: 'off' })
    await connect()
  })
  afterAll(async () => {
    await client?.end()
    await server?.remove()
  })

  async function connect() {
    client = new pg.Client(server?.url)
    // It may be stopped by a test.
    client.on('error', () => {})
    await client.connect()
  }

  async function makePlace(given: Pick<PostgresOptions, 'partitions' | 'mostWaiting'> = {}): Promise<PostgresPlace> {
    const schema = `place_${++schemas}`
    await client?.query(`CREATE SCHEMA ${schema}`)
    const url = `${server?.url}?options=${encodeURIComponent(`-c search_path=${schema}`)}`
    return {
      url,
      async query(text) {
        await client?.query(`SET search_path = ${schema}`)
        return (await client?.query<Record<string, unknown>>(text))?.rows ?? []
      },
      create: options => createPostgresHistory({ ...options, ...given, url }),
      remove: async () => void await client?.query(`DROP SCHEMA ${schema} CASCADE`),
    }
  }

  return {
    makePlace,
    async restart(signal?: NodeJS.Signals) {
      await server?.stop(signal)
      await server?.start()
      await connect()
    },
    stop: async () => server?.stop(),
    async start() {
      await server?.start()
      await connect()
    },
  }
}
