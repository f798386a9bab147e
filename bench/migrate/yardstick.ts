import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createReadStream, createWriteStream, rmSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { findPostgres } from '../../tools/programs/postgres.ts'

const SIGNATURE = Buffer.from('PGCOPY\n\xFF\r\n\0\0\0\0\0\0\0\0\0', 'latin1')
const END = Buffer.from([0xFF, 0xFF])

/** Runs statements with PostgreSQL's own `psql`. */
export function psql(url: string, ...commands: string[]) {
  execFileSync(join(findPostgres() ?? '', 'psql'), [url, '-q', '-v', 'ON_ERROR_STOP=1', ...commands.flatMap(command => ['-c', command])], { stdio: ['ignore', 'ignore', 'inherit'] })
}

/**
 * What PostgreSQL takes in at most: COPY of the same segments and rollups in binary form, ready in a file, by its own `psql`, into tables
 * without any index or part. @returns seconds, and the bytes of that.
 */
export async function copyBare(url: string, folder: string): Promise<{ seconds: number, bytes: number }> {
  const database = new DatabaseSync(join(folder, 'history.db'), { readOnly: true })
  psql(url,
    'CREATE TABLE segment (id bigint, device bigint, first bigint, last bigint, messages bigint, data bytea)',
    'CREATE TABLE rollup (series bigint, tier bigint, period bigint, data bytea)',
    'ALTER TABLE segment ALTER COLUMN data SET STORAGE EXTERNAL', 'ALTER TABLE rollup ALTER COLUMN data SET STORAGE EXTERNAL')
  let seconds = 0
  let bytes = 0
  for (const [table, columns] of [['segment', 'id, device, first, last, messages, data'], ['rollup', 'series, tier, period, data']] as const) {
    const file = join(folder, `${table}.copy`)
    bytes += await writeBinary(file, database.prepare(`SELECT ${columns} FROM ${table}`).iterate())
    const begin = performance.now()
    const copy = spawn(join(findPostgres() ?? '', 'psql'), [url, '-q', '-v', 'ON_ERROR_STOP=1', '-c', `COPY ${table} FROM STDIN (FORMAT binary)`], { stdio: ['pipe', 'ignore', 'inherit'] })
    const ended = once(copy, 'exit')
    createReadStream(file, { highWaterMark: 1_048_576 }).pipe(copy.stdin)
    const [code] = await ended
    if (code !== 0) throw new Error(`psql ended with ${String(code)}.`)
    seconds += (performance.now() - begin) / 1_000
    rmSync(file)
  }
  database.close()
  return { seconds, bytes }
}

async function writeBinary(file: string, rows: Iterable<Record<string, unknown>>): Promise<number> {
  const output = createWriteStream(file)
  output.write(SIGNATURE)
  for (const row of rows) {
    const values = Object.values(row)
    const head = Buffer.alloc(2)
    head.writeInt16BE(values.length)
    if (!output.write(Buffer.concat([head, ...values.flatMap(toField)]))) await once(output, 'drain')
  }
  output.end(END)
  await once(output, 'finish')
  return output.bytesWritten
}

function toField(value: unknown): Uint8Array[] {
  const length = Buffer.alloc(4)
  if (value instanceof Uint8Array) {
    length.writeInt32BE(value.length)
    return [length, value]
  }
  const number = Buffer.alloc(8)
  number.writeBigInt64BE(BigInt(Number(value)))
  length.writeInt32BE(number.length)
  return [length, number]
}
