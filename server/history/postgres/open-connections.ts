import type { Durability } from '../contract'
import { LOCK, takePlace, toDatabase } from './connections'
import type { Connections, DedicatedConnection, Query } from './connections'
import { migrate } from './migrations'

const MIGRATION_LOCK = LOCK + 1

/** Connects, takes the lock and brings the schema up to date. `onLost`: the connection is gone. @throws an Error; {@link inWords} says what. */
export async function openConnections(url: string, durability: Durability, partitions: boolean, onLost: (error: Error) => void): Promise<Connections> {
  const database = await toDatabase(url, durability)
  let line: DedicatedConnection | undefined
  async function close() {
    await Promise.allSettled([line?.close(), database.close()])
  }
  try {
    line = await database.line(onLost)
    await takePlace(line.query, 'alone')
    await bringUpToDate(line.query, partitions)
    return { write: line.query, writeNamed: line.named, read: database.read, close }
  }
  catch (error) {
    await close()
    throw error
  }
}

/** Brings the schema up to date, one application after the other. */
export async function bringUpToDate(query: Query, partitions: boolean) {
  const lock = `(${MIGRATION_LOCK}, hashtext(current_schema()))`
  await query(`SELECT pg_advisory_lock${lock}`)
  await migrate(query, partitions)
  await query(`SELECT pg_advisory_unlock${lock}`)
}
