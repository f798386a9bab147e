import type { DatabaseSync } from 'node:sqlite'
import { HistoryFault } from '../engine/errors'
import { SET_UNNAMED, setName } from '../marks'

const DOCUMENT = '(kind TEXT NOT NULL, name TEXT NOT NULL, body BLOB NOT NULL, PRIMARY KEY (kind, name))'

/**
 * The schema, one step a version, forward only. Times are microseconds since 1970.
 * - `batch`: what is acknowledged but not yet packed, the records of one commit up to `last` as one row: a JSON array of
 *   `[device, kind, bytes, value]`
 * - `delivery`: per commit, packet id and digest of each record, retained as long as they may be redelivered
 * - `segment`: packed messages of one device; `rollup`: packed minutes and hours of one series
 * - `document`: small documents of other rooms, by kind and name
 * - `presence`: which presence a device had since when; device 0 stands for all: from then on no server ran
 */
const MIGRATIONS: readonly string[] = [
  `CREATE TABLE device (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, archived INTEGER NOT NULL DEFAULT 0, state TEXT);
   CREATE TABLE series (id INTEGER PRIMARY KEY, device INTEGER NOT NULL, metric TEXT NOT NULL, UNIQUE (device, metric));
   CREATE TABLE journal (id INTEGER PRIMARY KEY, device INTEGER NOT NULL, kind INTEGER NOT NULL, packet INTEGER, digest TEXT, body TEXT NOT NULL);
   CREATE TABLE delivery (packet INTEGER PRIMARY KEY, digest TEXT NOT NULL);
   CREATE TABLE segment (id INTEGER PRIMARY KEY, device INTEGER NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL, messages INTEGER NOT NULL, data BLOB NOT NULL);
   CREATE INDEX segment_by_time ON segment (device, last, first);
   CREATE INDEX segment_by_age ON segment (last);
   CREATE TABLE rollup (id INTEGER PRIMARY KEY, series INTEGER NOT NULL, tier INTEGER NOT NULL, period INTEGER NOT NULL, data BLOB NOT NULL, UNIQUE (series, tier, period));
   CREATE INDEX rollup_by_age ON rollup (tier, period);
   CREATE TABLE meta (key TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;`,
  `CREATE TABLE batch (last INTEGER PRIMARY KEY, body TEXT NOT NULL);
   INSERT INTO batch SELECT id, '[[' || device || ',' || kind || ',' || length(CAST(body AS BLOB)) || ',' || body || ']]' FROM journal;
   DROP TABLE journal;
   DROP TABLE delivery;
   CREATE TABLE delivery (last INTEGER PRIMARY KEY, packets BLOB NOT NULL);
   INSERT INTO delivery SELECT max(last), zeroblob(8) FROM batch HAVING max(last) IS NOT NULL;`,
  `CREATE TABLE document ${DOCUMENT};`,
  `CREATE TABLE presence (device INTEGER NOT NULL, time INTEGER NOT NULL, state TEXT NOT NULL, PRIMARY KEY (device, time)) WITHOUT ROWID;`,
  // When the last of its messages arrived; 0: at the time of its last message.
  `ALTER TABLE segment ADD COLUMN received INTEGER NOT NULL DEFAULT 0;
   CREATE INDEX segment_by_arrival ON segment (max(last, received));`,
]

export const SCHEMA_VERSION = MIGRATIONS.length

/** Brings an open database to the current version; each step is one transaction. @throws when it is from a newer application. */
export function migrate(database: DatabaseSync) {
  const version = versionOf(database)
  MIGRATIONS.slice(version).forEach((step, i) => {
    const name = version + i === 0 ? setName() : ''
    database.exec(`BEGIN IMMEDIATE; ${step} ${name} PRAGMA user_version = ${version + i + 1}; COMMIT`)
  })
  database.exec(SET_UNNAMED)
}

/** Messages can be stored and shown without other documents: a missing document table starts empty. */
export function completeDocuments(database: DatabaseSync) {
  database.exec(`CREATE TABLE IF NOT EXISTS document ${DOCUMENT}`)
}

/** @throws when reading it would need a migration. */
export function requireCurrent(database: DatabaseSync) {
  if (versionOf(database) < SCHEMA_VERSION) {
    throw new HistoryFault('The history was written by an older version of the application and can be read when its file can be written: make room, or let the disk be written.')
  }
}

function versionOf(database: DatabaseSync): number {
  const version = Number(database.prepare('PRAGMA user_version').get()?.user_version)
  if (version > SCHEMA_VERSION) {
    throw new HistoryFault(`The history was written by a newer version of the application (schema ${version}, this one knows ${SCHEMA_VERSION}).`)
  }
  return version
}
