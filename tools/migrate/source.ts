// The history that is moved, in SQLite: opened for reading only, and as it was at one moment.
import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { isLeftover } from '../../server/history/sqlite/device-deletion.ts'
import { SCHEMA_VERSION } from '../../server/history/sqlite/migrations.ts'
import { explained, primaryCode } from '../backup/failure.ts'
import { lockData, lockDatabase } from '../backup/lock.ts'
import { MigrateFailure } from './failure.ts'

const SQLITE_NOT_A_DATABASE = 26
/** What fits both into a number and into a bigint of the table `meta`. */
const FINGERPRINT_DIGITS = 13

export interface Source {
  database: DatabaseSync
  file: string
  /** Tells this history, in this state, from any other. */
  fingerprint: number
  /** Its retention marks and the like, by name. */
  marks: Map<string, number>
  /** Devices that were forgotten, of which not everything is deleted yet: nothing of them is moved. */
  forgotten: number[]
  /** Whether somebody has written to it since it was opened. */
  hasChanged: () => boolean
  close: () => void
}

/** @throws a failure fit to show when it is no history of this version, or a server has it open. */
export async function openSource(file: string): Promise<Source> {
  if (!existsSync(file)) throw new MigrateFailure(`There is no history in ${resolve(file)}; --from names the folder that NUXT_DATA_DIR names for the server.`)
  return explained(`The history in ${resolve(file)} cannot be read`, async () => {
    const unlock = lockData(dirname(file))
    try {
      lockDatabase(file)()
      const source = readFrom(new DatabaseSync(file, { readOnly: true }), file)
      return {
        ...source,
        close() {
          source.close()
          unlock()
        },
      }
    }
    catch (error) {
      unlock()
      throw error
    }
  })
}

function readFrom(database: DatabaseSync, file: string): Source {
  const version = () => Number(database.prepare('PRAGMA data_version').get()?.data_version)
  try {
    requireSchema(database, file)
    const before = version()
    // From the first question on, all see the same state.
    database.exec('BEGIN')
    const marks = new Map(database.prepare('SELECT key, value FROM meta').all().map(({ key, value }) => [String(key), Number(value)]))
    const devices = database.prepare('SELECT id, name, archived FROM device ORDER BY id').all()
    return {
      database,
      file,
      fingerprint: fingerprintOf(database),
      marks: marks.set('device', Number(devices.at(-1)?.id ?? 0)),
      forgotten: devices.filter(({ name }) => isLeftover(String(name))).map(({ id }) => Number(id)),
      hasChanged() {
        if (database.isTransaction) database.exec('COMMIT')
        return version() !== before
      },
      close() {
        database.close()
        tidy(file)
      },
    }
  }
  catch (error) {
    database.close()
    if (primaryCode(error) === SQLITE_NOT_A_DATABASE) throw new MigrateFailure(`${file} is damaged: it is not a database.`, { cause: error })
    throw error
  }
}

/** SQLite leaves an empty log beside what was only read; the last that may write takes it away when it closes. */
function tidy(file: string) {
  const database = new DatabaseSync(file)
  try {
    database.prepare('SELECT 1 FROM meta').get()
  }
  catch {
    // Somebody has it for himself; then the log is his.
  }
  database.close()
}

function requireSchema(database: DatabaseSync, file: string) {
  const schema = Number(database.prepare('PRAGMA user_version').get()?.user_version)
  if (schema < 1) throw new MigrateFailure(`${file} is not a history of Leitstand.`)
  if (schema > SCHEMA_VERSION) throw new MigrateFailure(`The history was written by a newer version of the application (schema ${schema}, this one knows ${SCHEMA_VERSION}).`)
  if (schema < SCHEMA_VERSION) throw new MigrateFailure(`The history was written by an older version of the application (schema ${schema}, this one has ${SCHEMA_VERSION}): start and stop this version's server on it once, which brings it up to date.`)
}

/** Whatever happens to a history changes one of these: the server's last sign of life alone does. */
function fingerprintOf(database: DatabaseSync): number {
  const digest = createHash('sha256')
  for (const what of [
    'SELECT key, value FROM meta ORDER BY key',
    'SELECT id, name, archived FROM device ORDER BY id',
    'SELECT (SELECT max(id) FROM segment) AS segment, (SELECT max(id) FROM rollup) AS rollup, (SELECT max(last) FROM batch) AS batch, (SELECT max(last) FROM delivery) AS delivery, (SELECT count(*) FROM presence) AS lines',
    'SELECT kind, name, length(body) AS length FROM document ORDER BY kind, name',
  ]) {
    for (const row of database.prepare(what).iterate()) digest.update(JSON.stringify(Object.values(row)))
  }
  for (const { body } of database.prepare('SELECT body FROM document ORDER BY kind, name').iterate()) digest.update(body instanceof Uint8Array ? body : String(body))
  return Number.parseInt(digest.digest('hex').slice(0, FINGERPRINT_DIGITS), 16)
}
