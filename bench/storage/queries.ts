import { setTimeout as sleep } from 'node:timers/promises'
import { HistoryAnswerSchema } from '#shared/schemas/history'
import { CHARTED, deviceName } from './fill.ts'

const DAY_MS = 86_400_000
const YEAR_MS = 365 * DAY_MS
const QUERIES_PER_SECOND = 5

export interface AnswerTimes { day: number[], year: number[] }

/** Asks for charts over HTTP until `end` (clock of `performance.now()`), a day of one device and a year of another in turn; milliseconds to the whole answer. */
export async function askForCharts(url: string, devices: number, end: number): Promise<AnswerTimes> {
  const times: AnswerTimes = { day: [], year: [] }
  let next = performance.now()
  for (let i = 0; next < end; i++) {
    await sleep(Math.max(0, next - performance.now()))
    const which = i % 2 === 0 ? 'day' : 'year'
    const deviceId = which === 'day' ? deviceName((i * 37) % devices) : CHARTED[(i * 7) % CHARTED.length] ?? ''
    times[which].push(await timeOfChart(url, deviceId, which === 'day' ? DAY_MS : YEAR_MS))
    next += 1_000 / QUERIES_PER_SECOND
  }
  return times
}

async function timeOfChart(url: string, deviceId: string, span: number): Promise<number> {
  const now = Date.now()
  const begin = performance.now()
  const response = await fetch(`${url}/api/sensors/${deviceId}/history?metric=tempC&points=500&from=${now - span}&to=${now}`)
  const text = await response.text()
  const ms = performance.now() - begin
  const answer = HistoryAnswerSchema.parse(JSON.parse(text))
  // A chart without points would be fast.
  if (answer.points.length < 100) throw new Error(`${deviceId} has only ${answer.points.length} points: ${text.slice(0, 200)}`)
  return ms
}
