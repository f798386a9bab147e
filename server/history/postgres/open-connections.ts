import type { Durability } from '../contract'
import { LOCK, takePlace, toDatabase } from './connections'
import type { Connections, DedicatedConnection, Query } from './connections'
import { migrate } from './migrations'

const MIGRATION_LOCK = LOCK + 1

/**
 * Connects, takes the lock and migrates the schema. `onLost`: the connection has ended. @throws an Error; {@link
 * inWords} gives the reason.
 */
export async function openConnections(url: string, durability: Durability, partitions: boolean, onLost: (error: Error) => void): Promise<Connections> {
  const database = await toDatabase(url, durability)
  let connection: DedicatedConnection | undefined
  async function close() {
    await Promise.allSettled([connection?.close(), database.close()])
  }
  try {
    connection = await database.dedicated(onLost)
    await takePlace(connection.query, 'alone')
    await bringUpToDate(connection.query, partitions)
    return { write: connection.query, writeNamed: connection.named, read: database.read, close }
  }
  catch (error) {
    await close()
    throw error
  }
}

/** Migrates the schema, one application after the other. */
export async function bringUpToDate(query: Query, partitions: boolean) {
  const lock = `(${MIGRATION_LOCK}, hashtext(current_schema()))`
  await query(`SELECT pg_advisory_lock${lock}`)
  await migrate(query, partitions)
  await query(`SELECT pg_advisory_unlock${lock}`)
}
