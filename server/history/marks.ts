import { randomInt } from 'node:crypto'
import type { DatabaseSync } from 'node:sqlite'

/**
 * Numbers of the installation, by name. They are in the table `meta`, so they move with the history: into a backup,
 * or to PostgreSQL.
 */
export interface Marks {
  /** Undefined: there is none, or the database is not open. */
  get: (name: string) => number | undefined
  /**
   * Adds to a number (0 before the first time); resolves when that is stored. @throws an Error that can be shown to a
   * client.
   */
  add: (name: string, by: number) => Promise<void>
}

/** Other keys of that table are the history's own. */
const PREFIX = 'installation:'
/** Every database has this mark: the installation's name at a broker is made from it. */
export const NAME_MARK = 'name'
/** In a database written by an application that made no names yet. */
export const UNNAMED = 0
/** Eight characters. */
const NUMBERS = 36 ** 8

export function newNumber(): number {
  return randomInt(UNNAMED + 1, NUMBERS)
}

export function inWriting(number: number): string {
  return number.toString(36).padStart(8, '0')
}

const PUT = 'INSERT INTO meta (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value'

export const keyOf = (name: string) => PREFIX + name

/** Must run in the transaction that creates the first tables: a database with tables but without a name is older. */
export function setName(): string {
  return `INSERT INTO meta (key, value) VALUES ('${keyOf(NAME_MARK)}', ${newNumber()});`
}

export const SET_UNNAMED = `INSERT INTO meta (key, value) VALUES ('${keyOf(NAME_MARK)}', ${UNNAMED}) ON CONFLICT (key) DO NOTHING`

/** Held in memory: reading must work while the disk fails, too. */
export function createMarkTable(database: DatabaseSync) {
  const held = new Map(marksIn(database).map(({ key, value }) => [key, value]))
  const put = database.prepare(PUT)
  return {
    get: (name: string) => held.get(keyOf(name)),
    /** In the open transaction, if there is one. */
    add(name: string, by: number) {
      const value = (held.get(keyOf(name)) ?? 0) + by
      put.run(keyOf(name), value)
      held.set(keyOf(name), value)
    },
  }
}
export type MarkTable = ReturnType<typeof createMarkTable>

/**
 * Copies the marks of a damaged database, as far as they can be read: the installation's session at the broker still
 * exists.
 */
export function takeMarks(from: DatabaseSync, to: DatabaseSync) {
  const put = to.prepare(PUT)
  const marks = marksIn(from)
  if (!marks.some(({ key }) => key === keyOf(NAME_MARK))) marks.push({ key: keyOf(NAME_MARK), value: UNNAMED })
  for (const { key, value } of marks) put.run(key, value)
}

function marksIn(database: DatabaseSync) {
  return database.prepare('SELECT key, value FROM meta').all()
    .map(({ key, value }) => ({ key: String(key), value: Number(value) }))
    .filter(({ key }) => key.startsWith(PREFIX))
}
