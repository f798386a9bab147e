// A history moved from SQLite to PostgreSQL by the tool itself: how long that takes, beside a bare COPY of the same bytes in the same run;
// killed in the middle and gone on with; and whether both then answer the same.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createPostgresHistory } from '../../server/history/postgres/history.ts'
import type { History } from '../../server/history/contract.ts'
import { startPostgres } from '../../tools/programs/postgres.ts'
import { fillSamples } from '../storage/fill.ts'
import { count, table, verdict } from '../support/figures.ts'
import { makeFolder } from '../support/folder.ts'
import { openHistory, withHistory } from '../support/history.ts'
import type { LastMessages } from '../support/history.ts'
import type { BenchOptions, Say } from '../support/bench.ts'
import { askAll, randomQuestions } from './questions.ts'
import { copyBare, psql } from './yardstick.ts'

const TARGET_SECONDS = 60
const QUESTIONS = 1_000
/** What the tool says when the middle is behind it. */
const MIDDLE = /moved [4-9]\d %/
const MOVED = /moved 100 %/

export async function benchMigrate({ samples: wanted }: BenchOptions, say: Say) {
  say('\nMigrate: three numbers a message, a message every 30 seconds, 2.3 days that end now, packed every half an hour; from SQLite to PostgreSQL')
  const folder = makeFolder()
  const database = await startPostgres()
  const urlOf = (name: string) => database.url.replace(/postgres$/, name)
  try {
    const last: LastMessages = new Map()
    const { devices, samples } = withHistory(folder.path, last, history => fillSamples(history, last, wanted, say))
    psql(database.url, ...['whole', 'killed', 'bare'].map(name => `CREATE DATABASE ${name}`))
    const whole = await move(folder.path, urlOf('whole'), say)
    const killed = await move(folder.path, urlOf('killed'), say, MIDDLE)
    if (!killed.wasKilled) throw new Error('The tool had come to its end before it could be killed: more --samples are needed.')
    const rest = await move(folder.path, urlOf('killed'), say)
    const bare = await copyBare(urlOf('bare'), folder.path)
    const questions = randomQuestions(QUESTIONS, { devices }, Date.now() * 1_000)
    const before = await askAndClose(openHistory(folder.path, last), questions)
    const different = await Promise.all(['whole', 'killed'].map(async name => differing(before, await askAndClose(await openPostgres(urlOf(name)), questions))))
    return report({ samples, whole, killed, rest, bare, different: different.reduce((sum, n) => sum + n, 0) }, say)
  }
  finally {
    await database.remove()
    folder.remove()
  }
}

interface Run { seconds: number, movingSeconds: number, resumed: boolean, wasKilled: boolean }

/** Runs the tool as anybody would; killed as soon as it says what matches. */
async function move(from: string, to: string, say: Say, killAt?: RegExp): Promise<Run> {
  const begin = performance.now()
  const seconds = () => (performance.now() - begin) / 1_000
  const tool = spawn(process.execPath, ['tools/migrate-history.ts', '--from', from, '--to', to], { stdio: ['ignore', 'pipe', 'inherit'] })
  let said = ''
  let movingSeconds = Number.NaN
  tool.stdout.on('data', (chunk) => {
    said += String(chunk)
    if (Number.isNaN(movingSeconds) && MOVED.test(said)) movingSeconds = seconds()
    if (killAt?.test(said)) tool.kill('SIGKILL')
  })
  const [code, signal] = await once(tool, 'close')
  for (const line of said.trim().split('\n')) say(`  ${line}`)
  if (code !== 0 && signal !== 'SIGKILL') throw new Error(`The tool ended with ${String(code ?? signal)}.`)
  say(signal === 'SIGKILL' ? '  killed' : '')
  return { seconds: seconds(), movingSeconds, resumed: said.includes('Going on'), wasKilled: signal === 'SIGKILL' }
}

async function askAndClose(history: History, questions: ReturnType<typeof randomQuestions>): Promise<string[]> {
  try {
    return await askAll(questions, history)
  }
  finally {
    await history.close()
  }
}

async function openPostgres(url: string): Promise<History> {
  const history = createPostgresHistory({
    url, durability: 'full', unacknowledged: 1_000,
    retention: { rawDays: 0, minuteDays: 0, hourDays: 0, bytes: Number.MAX_SAFE_INTEGER },
    stateOf: () => undefined,
    onFault: (reason) => { if (reason !== null) throw new Error(reason) },
    onOpen: () => {},
  })
  await history.open()
  return history
}

function differing(a: readonly string[], b: readonly string[]): number {
  return a.filter((answer, i) => answer !== b[i]).length
}

interface Figures { samples: number, whole: Run, killed: Run, rest: Run, bare: { seconds: number, bytes: number }, different: number }

function report({ samples, whole, killed, rest, bare, different }: Figures, say: Say) {
  say(`\n${table(['', 's', 'samples/s', 'of the bare COPY’s rate', `target: under ${TARGET_SECONDS} s`], [
    ['moved', count(whole.movingSeconds, 1), count(samples / whole.movingSeconds), `${count(100 * bare.seconds / whole.movingSeconds)} %`, ''],
    ['moved, and both sides counted', count(whole.seconds, 1), count(samples / whole.seconds), `${count(100 * bare.seconds / whole.seconds)} %`, verdict(whole.seconds < TARGET_SECONDS)],
    [`killed after ${count(killed.seconds, 1)} s; the rest`, count(rest.seconds, 1), '', '', verdict(rest.resumed)],
    [`bare COPY of the same ${count(bare.bytes)} bytes, no index`, count(bare.seconds, 1), count(samples / bare.seconds), '', ''],
  ])}`)
  say(`\n${count(QUESTIONS)} random questions to SQLite and to both databases: ${different === 0 ? 'all answers are the same' : `**${count(different)} answers differ**`}`)
  return { samples, movedSeconds: whole.movingSeconds, seconds: whole.seconds, killedAfterSeconds: killed.seconds, restSeconds: rest.seconds, bareSeconds: bare.seconds, bytes: bare.bytes, questions: QUESTIONS, differentAnswers: different }
}
