import type { DatabaseSync } from 'node:sqlite'
import { PresenceSchema } from '#shared/schemas/device'
import { MAX_PRESENCE_LINES } from '#shared/schemas/history'
import { afterGap } from '../engine/merge-transitions'
import type { PresenceTransition } from '../engine/merge-transitions'
import { repeat } from './repeat'

/** The row for all devices: from its times on no server ran. */
const EVERYBODY = 0
const DEVICES_PER_STEP = 20

/** The transitions of one open database; the caller runs the transactions. Times in microseconds since 1970. */
export function createPresenceTable(database: DatabaseSync) {
  const insert = database.prepare('INSERT OR REPLACE INTO presence (device, time, state) VALUES (?, ?, ?)')
  const newest = database.prepare('SELECT time, state FROM presence WHERE device = ? ORDER BY time DESC LIMIT 1')
  const upTo = database.prepare('SELECT time, state FROM presence WHERE device = ? AND time <= ? ORDER BY time')
  const beat = database.prepare('INSERT INTO meta (key, value) VALUES (\'listening\', ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value')
  const lastBeat = database.prepare('SELECT value FROM meta WHERE key = \'listening\'')
  let lastGap = 0

  function linesOf(device: number, to: number): PresenceTransition[] {
    return upTo.all(device, to).map(({ time, state }) => ({ time: Number(time), presence: PresenceSchema.catch('unknown').parse(state) }))
  }

  return {
    linesOf,
    gaps: (to: number) => linesOf(EVERYBODY, to).map(({ time }) => time),
    /** One row says for all devices that no server ran since the last {@link beat}. */
    begin() {
      const since = lastBeat.get()?.value
      if (typeof since === 'number') {
        insert.run(EVERYBODY, since, 'unknown')
        lastGap = since
      }
    },
    /** A transition that changes nothing is not written, such as most transitions at a start. */
    add(device: number, { time, presence }: PresenceTransition) {
      const row = newest.get(device)
      const last = row && { time: Number(row.time), presence: PresenceSchema.catch('unknown').parse(row.state) }
      if (presence === (last ? afterGap(last, lastGap) : 'unknown')) return
      insert.run(device, time, presence)
    },
    /** The server runs. */
    beat: (time: number) => void beat.run(time),
  }
}

/**
 * Deletes the transitions of each device that ended before a time. The newest stays, and the one that held at that
 * time. `transact` runs one small transaction. @throws when the store does.
 */
export async function pruneTransitions(database: DatabaseSync, before: number, transact: (change: () => void) => Promise<boolean>) {
  const devices = database.prepare(`SELECT id FROM device WHERE id > ? ORDER BY id LIMIT ${DEVICES_PER_STEP}`)
  const old = database.prepare('DELETE FROM presence WHERE device = ?1 AND time < (SELECT max(time) FROM presence WHERE device = ?1 AND time <= ?2)')
  const many = database.prepare(`DELETE FROM presence WHERE device = ?1 AND time < (SELECT time FROM presence WHERE device = ?1 ORDER BY time DESC LIMIT 1 OFFSET ${MAX_PRESENCE_LINES - 1})`)
  function prune(device: number) {
    old.run(device, before)
    many.run(device)
  }
  let last = EVERYBODY
  await transact(() => prune(EVERYBODY))
  await repeat(transact, () => {
    const ids = devices.all(last).map(({ id }) => Number(id))
    ids.forEach(prune)
    last = ids.at(-1) ?? last
    return ids.length === DEVICES_PER_STEP
  })
}
