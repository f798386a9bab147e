import { statSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { METRICS } from './fill.ts'
import { count, table, verdict } from '../support/figures.ts'
import type { Say } from '../support/bench.ts'

const TARGET_BYTES = 40

/** What each part of the database costs, per sample. */
export function reportSizes(file: string, samples: number, say: Say) {
  const database = new DatabaseSync(file, { readOnly: true })
  // What indexes need is counted with their tables.
  const parts = database.prepare(`SELECT coalesce(m.tbl_name, s.name) AS part, sum(s.pgsize) AS bytes FROM dbstat s
    LEFT JOIN sqlite_schema m ON m.name = s.name WHERE s.aggregate = TRUE GROUP BY part ORDER BY bytes DESC`).all()
  const free = Number(database.prepare('SELECT freelist_count * page_size AS n FROM pragma_freelist_count, pragma_page_size').get()?.n)
  database.close()
  const whole = statSync(file).size
  const growing = parts.filter(({ part }) => part !== 'batch' && part !== 'delivery').reduce((sum, { bytes }) => sum + Number(bytes), 0)
  const cells = (name: string, bytes: number, target = '') => [name, count(bytes), count(bytes / samples, 2), target]
  say(`\n${table(['', 'bytes', `per sample (of ${count(samples)})`, `target: at most ${TARGET_BYTES}`], [
    ...parts.map(({ part, bytes }) => cells(String(part), Number(bytes))),
    cells('free pages', free),
    cells('what grows with the history', growing),
    cells('the file', whole, verdict(whole / samples <= TARGET_BYTES)),
  ])}`)
  return { fileBytes: whole, growingBytes: growing, freeBytes: free, bytesPerSample: whole / samples, targetBytesPerSample: TARGET_BYTES }
}

/** Numeric samples in what was packed of before a moment (milliseconds since 1970). */
export function countSamples(file: string, before: number): number {
  const database = new DatabaseSync(file, { readOnly: true })
  const row = database.prepare(`SELECT sum(messages * iif(name LIKE 'chart-%', 1, ${METRICS})) AS n
    FROM segment JOIN device ON device.id = device WHERE last < ?`).get(before * 1_000)
  database.close()
  return Number(row?.n)
}
