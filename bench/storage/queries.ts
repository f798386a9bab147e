import type { History } from '../../server/history/contract.ts'
import { readThinned } from '../../server/history/reading.ts'

const POINTS = 500

/** Times one chart of one device, from the question to the answer as an object; times in milliseconds since 1970. */
export function timeOfChart(history: History, deviceId: string, from: number, to: number) {
  const begin = performance.now()
  const answer = readThinned(history.read(), { deviceId, metric: 'tempC', unit: '°C', from: from * 1_000, to: to * 1_000 }, POINTS)
  return { ms: performance.now() - begin, resolution: answer.resolution, points: answer.points.length }
}
