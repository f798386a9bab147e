// Numbered sessions at the broker: each belongs to one replica at a time, by a lock at the database that ends with its
// connection.
import { HistoryError } from '../history/postgres/errors'
import { tryLock } from '../history/postgres/connections'
import type { Query } from '../history/postgres/connections'

/** Replicas at one database. */
export const MOST_REPLICAS = 64
const LOCK = 1_279_677_300
const KEY = 'slot:'

/**
 * The next replica gets the session of one that stopped, with all that waits in it; `before`: the slot that this
 * replica had.
 */
export async function claimSlot(query: Query, before: number | undefined): Promise<number> {
  const slots = Array.from({ length: MOST_REPLICAS }, (_, i) => i + 1)
  for (const slot of before === undefined ? slots : [before, ...slots]) {
    if (await takeSlot(query, slot)) return slot
  }
  throw new HistoryError(`There are ${MOST_REPLICAS} replicas at the database of NUXT_DATABASE_URL already; that is the most.`)
}

/** False: another replica has it. */
export async function takeSlot(query: Query, slot: number): Promise<boolean> {
  if (!await tryLock(query, LOCK + slot, 'hashtext(current_schema())')) return false
  await query('INSERT INTO meta (key, value) VALUES ($1, $2) ON CONFLICT DO NOTHING', [KEY + slot, slot])
  return true
}

/** The broker stores nothing under this number any more: it is free for another replica. */
export async function retireSlot(query: Query, slot: number) {
  await query('DELETE FROM delivery WHERE slot = $1', [slot])
  await query('DELETE FROM meta WHERE key = $1', [KEY + slot])
}

/** Slots that were used and that no replica holds now. */
export async function orphanedSlots(query: Query): Promise<number[]> {
  const rows = await query(`SELECT value AS slot FROM meta WHERE key LIKE '${KEY}%' AND NOT EXISTS (SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND granted
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
    AND classid::bigint = ${LOCK} + value AND objid::bigint = hashtext(current_schema())::bigint & 4294967295)`)
  return rows.map(({ slot }) => Number(slot))
}
