// What a message and a viewer cost, measured; a model of an installation that has to tell what was measured; and what it tells of larger ones.
import type { BenchOptions, Say } from '../support/bench.ts'
import { CLUSTER } from './costs.ts'
import { fitCosts } from './fit.ts'
import { measureBare, measureStore } from './measure.ts'
import { reportCosts, reportMemory, reportModel, reportPlans, reportPoints } from './report.ts'
import { measureSizes } from './sizes.ts'

const SECONDS = 2

export async function benchScale(options: BenchOptions, say: Say) {
  const { seconds = SECONDS } = options
  say('\nScale: the server has a processor to itself; three numbers and a stamp a message, 1,000 devices')
  const bare = [...await measureBare(0, seconds), ...await measureBare(1, seconds)]
  say('bare subscriber: measured')
  const off = await measureStore('off', 0, seconds)
  say('no history: measured')
  const sqlite = await measureStore('sqlite', 1, seconds)
  say('SQLite: measured')
  const postgres = await measureStore('postgres', 1, seconds)
  say('PostgreSQL: measured')
  const { memory, sizes } = await measureSizes(options)
  const points = [...bare, ...off, ...sqlite, ...postgres]
  reportPoints(points, say)
  reportMemory(memory, say)
  const costs = fitCosts(points, sizes)
  reportCosts(costs, say)
  const model = reportModel(points, costs, say)
  const plans = reportPlans(costs, CLUSTER, say)
  return { points, memory, costs, model, ...plans }
}
