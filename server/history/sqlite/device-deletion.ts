import type { DatabaseSync } from 'node:sqlite'
import { repeat } from './repeat'

const ROWS_PER_STEP = 20

/**
 * Names of deleted devices begin with U+0000, which no topic contains: their rows wait to be deleted, and their real
 * names are free.
 */
const FIRST_REAL_NAME = '\u0001'

/** Whether a row of `device` belongs to a deleted device. */
export function isLeftover(name: string): boolean {
  return name < FIRST_REAL_NAME
}

/**
 * Takes a device's name away inside the open transaction. `lastId`: everything in the journal counts as packed, so
 * that no start restores it.
 */
export function detach(database: DatabaseSync, device: number, lastId: number) {
  database.prepare('UPDATE device SET name = char(0) || id, archived = ?, state = NULL WHERE id = ?').run(lastId, device)
}

/**
 * Deletes the rows of deleted devices, in slices; `transact` runs one small transaction. @throws when the store does.
 */
export async function eraseLeftovers(database: DatabaseSync, transact: (change: () => void) => Promise<boolean>) {
  const leftovers = database.prepare('SELECT id FROM device WHERE name < ?').all(FIRST_REAL_NAME)
  if (leftovers.length === 0) return
  const segments = database.prepare(`DELETE FROM segment WHERE id IN (SELECT id FROM segment WHERE device = ? LIMIT ${ROWS_PER_STEP})`)
  const rollups = database.prepare(`DELETE FROM rollup WHERE id IN (SELECT rollup.id FROM series JOIN rollup ON rollup.series = series.id WHERE series.device = ? LIMIT ${ROWS_PER_STEP})`)
  const series = database.prepare(`DELETE FROM series WHERE id IN (SELECT id FROM series WHERE device = ? LIMIT ${ROWS_PER_STEP})`)
  const lines = database.prepare(`DELETE FROM presence WHERE device = ?1 AND time IN (SELECT time FROM presence WHERE device = ?1 LIMIT ${ROWS_PER_STEP})`)
  // While the journal holds records of it, they are recognised by its row, and its number must not be given to another
  // device.
  const row = database.prepare('DELETE FROM device WHERE id = ? AND NOT EXISTS (SELECT 1 FROM batch WHERE last <= device.archived)')
  for (const { id = null } of leftovers) {
    for (const statement of [segments, rollups, series, lines]) {
      await repeat(transact, () => Number(statement.run(id).changes) === ROWS_PER_STEP)
    }
    await transact(() => void row.run(id))
  }
}
