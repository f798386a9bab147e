// Bytes on disk per numeric sample, and the time of charts, through the history itself.
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { createHistory } from '../../server/history/history.ts'
import type { History } from '../../server/history/contract.ts'
import { count, median, table } from '../support/figures.ts'
import type { BenchOptions, Say } from '../support/options.ts'
import { BEGIN, CHARTED, END, fillCharts, fillSamples } from './fill.ts'
import { timeOfChart } from './charts.ts'

const DAY_MS = 86_400_000

export async function benchStorage({ samples }: BenchOptions, say: Say) {
  const folder = mkdtempSync(join(tmpdir(), 'leitstand-bench-'))
  const file = join(folder, 'history.db')
  try {
    say('\nStorage: 1,000 devices, three numbers a message, a message every ten seconds, packed')
    const begin = performance.now()
    const stored = withHistory(file, history => fillSamples(history, samples))
    const seconds = (performance.now() - begin) / 1_000
    reportSizes(file, stored, say)
    say(`\nstored and packed in ${seconds.toFixed(1)} s: ${count(stored / seconds)} samples/s, durability normal, in batches of 1,000 messages`)
    withHistory(file, history => benchCharts(history, say))
    return {}
  }
  finally {
    rmSync(folder, { recursive: true })
  }
}

function withHistory<T>(file: string, use: (history: History) => T): T {
  const history = createHistory({
    file,
    durability: 'normal',
    unacknowledged: 1_000,
    retention: { rawDays: 0, minuteDays: 0, hourDays: 0, bytes: Number.MAX_SAFE_INTEGER },
    stateOf: () => undefined,
    onFault: (reason) => { if (reason !== null) throw new Error(reason) },
    onDamaged: () => {},
    // The tail is filled while this is read.
    onOpen: ({ records }) => { for (const _ of records) continue },
  })
  history.open()
  try {
    return use(history)
  }
  finally {
    history.close()
  }
}

function reportSizes(file: string, samples: number, say: Say) {
  const database = new DatabaseSync(file)
  // What indexes need is counted with their tables.
  const parts = database.prepare(`SELECT coalesce(m.tbl_name, s.name) AS part, sum(s.pgsize) AS bytes FROM dbstat s
    LEFT JOIN sqlite_schema m ON m.name = s.name WHERE s.aggregate = TRUE GROUP BY part ORDER BY bytes DESC`).all()
  const free = Number(database.prepare('SELECT freelist_count * page_size AS n FROM pragma_freelist_count, pragma_page_size').get()?.n)
  const journalled = Number(database.prepare('SELECT coalesce(sum(length(packets) / 8), 0) AS n FROM delivery').get()?.n)
  database.close()
  const cells = (name: string, bytes: number) => [name, count(bytes), count(bytes / samples, 2)]
  const rows = parts.map(({ part, bytes }) => cells(String(part), Number(bytes)))
  const growing = parts.filter(({ part }) => part !== 'batch' && part !== 'delivery').reduce((sum, { bytes }) => sum + Number(bytes), 0)
  say(`\n${table(['', 'bytes', `per sample (of ${count(samples)})`], [...rows, cells('free pages', free), cells('the file', statSync(file).size), cells('what grows with the history', growing)])}`)
  say(`\nThe journal does not grow with the history: it keeps the last ${count(journalled)} messages, which may still be redelivered.`)
}

function benchCharts(history: History, say: Say) {
  const filled = fillCharts(history)
  const times = (from: number) => CHARTED.map(deviceId => timeOfChart(history, deviceId, from, END))
  const row = (name: string, measured: { ms: number, resolution: string, points: number }[]) => {
    const ms = measured.map(({ ms }) => ms)
    const [first] = measured
    return [name, first?.resolution ?? '', count(first?.points ?? 0), count(median(ms), 1), count(Math.max(...ms), 1)]
  }
  const rows = [row('a day', times(END - DAY_MS)), row('a year', times(BEGIN))]
  say(`\nCharts: ${CHARTED.length} further devices with ${count(filled)} messages each (a year by the hour, its last day every ten seconds), 500 points asked for`)
  say(`\n${table(['chart of', 'read from', 'points', 'ms (median)', 'ms (slowest)'], rows)}`)
}
