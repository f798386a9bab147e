import { hash } from 'node:crypto'
import type { History } from '../../server/history/contract.ts'
import type { Filled } from '../storage/fill.ts'
import { deviceName } from '../storage/fill.ts'

const METRICS = ['tempC', 'humidity', 'powerW'] as const
const DAY = 86_400_000_000
const DAYS = 2.5

type Ask = (history: History) => Promise<unknown>

/** Questions of all kinds about random devices, metrics and ranges, the same for whom they are asked. */
export function randomQuestions(howMany: number, { devices }: Pick<Filled, 'devices'>, now: number): Ask[] {
  const below = (limit: number) => Math.floor(Math.random() * limit)
  return Array.from({ length: howMany }, (_, i): Ask => {
    const deviceId = deviceName(below(devices))
    const metric = METRICS[below(METRICS.length)] ?? 'tempC'
    const from = now - below(DAYS * DAY)
    const to = from + below(DAY)
    const question = { deviceId, metric, unit: null, from, to }
    const points = 1 + below(500)
    const kinds: Ask[] = [
      history => history.raw(question, 5_000),
      history => history.thinned(question, points),
      history => history.messagesBefore(deviceId, to, points),
      history => history.sparkline(deviceId, metric, to),
      history => exported(history, deviceId, from, to),
    ]
    return kinds[i % kinds.length] ?? (() => Promise.resolve())
  })
}

async function exported(history: History, deviceId: string, from: number, to: number) {
  const { messages, hours } = await history.export(deviceId, from, to)
  const all: unknown[] = [messages]
  for await (const hour of hours) all.push(hour)
  return all
}

/** The hash of each answer. */
export async function askAll(questions: readonly Ask[], history: History): Promise<string[]> {
  const answers: string[] = []
  for (const ask of questions) answers.push(hash('sha256', JSON.stringify(await ask(history))))
  return answers
}
