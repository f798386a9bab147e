import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { findPostgres } from '../../tools/programs/postgres.ts'

const DAY_US = 86_400_000_000

/** What PostgreSQL takes in at most: COPY of samples as rows of numbers, by its own `psql`, into a table without any index. */
export async function copyRows({ url }: { url: string }, rounds: number, devices: number, metrics: number): Promise<{ seconds: number }> {
  const psql = spawn(join(findPostgres() ?? '', 'psql'), [url, '-q', '-v', 'ON_ERROR_STOP=1', '-c', 'CREATE TABLE bare (device int, metric int, time bigint, value float8)', '-c', 'COPY bare FROM STDIN'], { stdio: ['pipe', 'ignore', 'inherit'] })
  const ended = once(psql, 'exit')
  const begin = performance.now()
  for (let round = 0; round < rounds; round++) {
    let rows = ''
    for (let device = 0; device < devices; device++) {
      const time = Math.round(round * DAY_US / rounds) + device * 1_000
      for (let metric = 0; metric < metrics; metric++) rows += `${device}\t${metric}\t${time}\t${(20 + 10 * Math.sin(round / 50 + device) + Math.random()).toFixed(2)}\n`
    }
    if (!psql.stdin.write(rows)) await once(psql.stdin, 'drain')
  }
  psql.stdin.end()
  const [code] = await ended
  if (code !== 0) throw new Error(`psql ended with ${String(code)}.`)
  return { seconds: (performance.now() - begin) / 1_000 }
}
