// Bytes on disk per numeric sample, and what charts and pruning cost the live view, with a history of some size.
import { join } from 'node:path'
import { count, median, table, verdict } from '../support/figures.ts'
import { makeFolder } from '../support/folder.ts'
import { withHistory } from '../support/history.ts'
import type { LastMessages } from '../support/history.ts'
import type { BenchOptions, Say } from '../support/bench.ts'
import { CHARTED, fillCharts, fillSamples } from './fill.ts'
import { measureLive } from './live.ts'
import type { LiveFigures } from './live.ts'
import { reportSizes } from './sizes.ts'

const SECONDS = 12
const MORE_P99_MS = 50
const ANSWER_MS = 50

export async function benchStorage({ samples, seconds = SECONDS }: BenchOptions, say: Say) {
  const folder = makeFolder()
  try {
    say('\nStorage: three numbers a message, a message every 30 seconds, 2.3 days that end now, packed every half an hour')
    const last: LastMessages = new Map()
    const filled = withHistory(folder.path, last, history => fillSamples(history, last, samples, say))
    const sizes = reportSizes(join(folder.path, 'history.db'), filled.samples, say)
    say(`\n${count(filled.devices)} devices; stored and packed in ${filled.seconds.toFixed(1)} s: ${count(filled.samples / filled.seconds)} samples/s, durability normal`)
    const chartMessages = withHistory(folder.path, last, history => fillCharts(history, last, say))
    say(`\nCharts: ${CHARTED.length} further devices with ${count(chartMessages)} messages each (a year by the hour, its last day every ten seconds)`)
    const live = await measureLive(folder.path, filled.devices, seconds, say)
    reportLive(live, say)
    return { ...filled, ...sizes, ...live }
  }
  finally {
    folder.remove()
  }
}

function reportLive({ startMs, quiet, asked, pruning, answerMs, ...rest }: LiveFigures, say: Say) {
  say(`\nLive: 1,000 messages/s at QoS 1, half of them of ten devices; one stream client; connected ${count(startMs)} ms after the start\n`)
  const latencies = [['at rest', quiet], ['five charts a second', asked], ['pruning', pruning]] as const
  const target = (p99Ms: number) => verdict(p99Ms <= quiet.p99Ms + MORE_P99_MS)
  say(table(['publish to frame, ms', 'p50', 'p95', 'p99', 'max', 'messages', `target: p99 at most ${MORE_P99_MS} ms above`], latencies.map(([name, { p50Ms, p95Ms, p99Ms, maxMs, messages }]) =>
    [name, count(p50Ms, 1), count(p95Ms, 1), count(p99Ms, 1), count(maxMs, 1), count(messages), name === 'at rest' ? '' : target(p99Ms)])))
  say(`\n${table(['chart of, ms to the answer', 'median', 'slowest', 'answers', `target: median under ${ANSWER_MS} ms`], Object.entries(answerMs).map(([name, ms]) =>
    [`a ${name}`, count(median(ms), 1), count(Math.max(...ms), 1), count(ms.length), verdict(median(ms) < ANSWER_MS)]))}`)
  const { samplesPruned, pruningSeconds, fileBytes } = rest
  say(`\npruned ${count(samplesPruned)} samples within ${count(pruningSeconds)} s; the file has gone from ${count(fileBytes.before)} to ${count(fileBytes.after)} bytes`)
}
