// The history that is moved, in SQLite: opened for reading only, and as it was at one moment.
import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { isLeftover } from '../../server/history/sqlite/device-deletion.ts'
import { SCHEMA_VERSION } from '../../server/history/sqlite/migrations.ts'
import { CommandFailure, explained } from '../cli/failure.ts'
import { lockData, lockDatabase } from '../cli/locks.ts'

/** What fits both into a number and into a bigint of the table `meta`. */
const FINGERPRINT_DIGITS = 13

export type Source = Awaited<ReturnType<typeof openSource>>

/** Keeps servers out until it is disposed of. @throws {CommandFailure} when it is no history of this version, or a server has it. */
export async function openSource(file: string) {
  if (!existsSync(file)) throw new CommandFailure(`There is no history in ${resolve(file)}; --from names the folder that NUXT_DATA_DIR names for the server.`)
  return explained(`The history in ${resolve(file)} cannot be read`, async () => {
    using opened = new DisposableStack()
    opened.defer(lockData(dirname(file)))
    lockDatabase(file)()
    const database = opened.adopt(new DatabaseSync(file), each => each.close())
    requireSchema(database, file)
    const source = readFrom(database)
    const held = opened.move()
    return { ...source, [Symbol.dispose]: () => held.dispose() }
  })
}

function readFrom(database: DatabaseSync) {
  const version = () => Number(database.prepare('PRAGMA data_version').get()?.data_version)
  // Only read, but not opened as such: SQLite would leave an empty log beside it.
  database.exec('PRAGMA query_only = ON')
  const before = version()
  // From the first question on, all see the same state.
  database.exec('BEGIN')
  const marks = new Map(database.prepare('SELECT key, value FROM meta').all().map(({ key, value }) => [String(key), Number(value)]))
  const devices = database.prepare('SELECT id, name FROM device ORDER BY id').all()
  return {
    database,
    /** Tells this history, in this state, from any other. */
    fingerprint: fingerprintOf(database),
    /** Its retention marks and the like, by name. */
    marks: marks.set('device', Number(devices.at(-1)?.id ?? 0)),
    /** Devices that were forgotten, of which not everything is deleted yet: nothing of them is moved. */
    forgotten: devices.filter(({ name }) => isLeftover(String(name))).map(({ id }) => Number(id)),
    /** Whether somebody has written to it since it was opened. */
    hasChanged() {
      if (database.isTransaction) database.exec('COMMIT')
      return version() !== before
    },
  }
}

function requireSchema(database: DatabaseSync, file: string) {
  const schema = Number(database.prepare('PRAGMA user_version').get()?.user_version)
  const written = 'The history was written by'
  if (schema < 1) throw new CommandFailure(`${file} is not a history of Leitstand.`)
  if (schema > SCHEMA_VERSION) throw new CommandFailure(`${written} a newer version of the application (schema ${schema}, this one knows ${SCHEMA_VERSION}).`)
  if (schema < SCHEMA_VERSION) throw new CommandFailure(`${written} an older version of the application (schema ${schema}, this one has ${SCHEMA_VERSION}): start and stop this version's server on it once, which brings it up to date.`)
}

/** Whatever happens to a history changes one of these: the server's last sign of life alone does. */
function fingerprintOf(database: DatabaseSync): number {
  const digest = createHash('sha256')
  for (const what of [
    'SELECT key, value FROM meta ORDER BY key',
    'SELECT id, name, archived FROM device ORDER BY id',
    'SELECT (SELECT max(id) FROM segment), (SELECT max(id) FROM rollup), (SELECT max(last) FROM batch), (SELECT max(last) FROM delivery), (SELECT count(*) FROM presence)',
    'SELECT kind, name, hex(body) FROM document ORDER BY kind, name',
  ]) {
    for (const row of database.prepare(what).iterate()) digest.update(JSON.stringify(Object.values(row)))
  }
  return Number.parseInt(digest.digest('hex').slice(0, FINGERPRINT_DIGITS), 16)
}
