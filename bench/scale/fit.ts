// Costs from measured points. What can be read from them directly is; waking up, a message and a commit share the event loop's time, and are
// told apart by letting the model run at the lowest and the highest rate. The points between are not looked at: they are for its test.
import { median } from '../support/figures.ts'
import { CLUSTER } from './costs.ts'
import type { Costs, StoreCosts } from './costs.ts'
import { BATCH_MS, RATES } from './measure.ts'
import type { Point } from './measure.ts'
import { simulate } from './model/site.ts'
import type { Scenario } from './model/scenario.ts'
import type { Store } from './sites.ts'

const [LOWEST = 0] = RATES
const HIGHEST = RATES.at(-1) ?? 0
const STEPS = 14
const TURNS_OF_FITTING = 3
/** Simulated for each look. */
export const FIT_SECONDS = 1.2

export type Sizes = Pick<Costs, 'baseBytes' | 'deviceBytes' | 'deviceHeapBytes' | 'viewerBytes' | 'diskBytes'>

/** How the model is asked for a point that was measured. */
export function scenarioOf({ store, perSecond, viewers, batchMs, interest }: Point): Scenario {
  if (store === 'bare') throw new TypeError('The yardstick is not modelled.')
  return { store, perSecond, viewers, batchMs, interest, arrivals: 'paced', replicas: 1, shares: CLUSTER, brokers: 1 }
}

export function fitCosts(points: readonly Point[], sizes: Sizes): Costs {
  const of = (store: Store) => points.filter(point => point.store === store)
  const idle = find(of('off'), { perSecond: 0, viewers: 0 }).loop
  const costs: Costs = {
    idle, wake: 0, ...viewerCosts(of('off')), ...databaseCosts(of('postgres')), ...sizes,
    stores: { off: readable(of('off')), sqlite: readable(of('sqlite')), postgres: readable(of('postgres')) },
  }
  fitStore(costs, of('off'), 'wake')
  fitStore(costs, of('sqlite'), 'commit')
  fitStore(costs, of('postgres'), 'commit')
  return costs
}

/** What can be read from the points. */
function readable(points: readonly Point[]): StoreCosts {
  const rated = points.filter(({ viewers, perSecond }) => viewers === 1 && perSecond > 0)
  const busiest = find(points, { perSecond: HIGHEST, viewers: 1 })
  const kept = rated.filter(({ commitsPerSecond }) => commitsPerSecond > 0)
  const [keepFixed, keepMessage] = line(kept.map(({ perSecond, commitsPerSecond, commitMs }) => [perSecond / commitsPerSecond, commitMs / 1_000]))
  return {
    message: 0, commit: 0, hop: 0, keepFixed, keepMessage,
    pauseEvery: HIGHEST / busiest.pausesPerSecond, pauseSeconds: busiest.pauseMs / 1_000,
    beside: kept.length > 0 ? median(kept.map(({ cpu, loop, commitsPerSecond }) => (cpu - loop) / commitsPerSecond)) : 0,
    threads: busiest.cpu / busiest.loop,
    broker: median(rated.filter(({ perSecond }) => perSecond >= HIGHEST / 2).map(({ brokerCpu, perSecond }) => brokerCpu / perSecond)),
  }
}

/** The cost of a message from the highest rate; from the lowest that of waking up where nothing is kept, else that of a commit. */
function fitStore(costs: Costs, points: readonly Point[], other: 'wake' | 'commit') {
  const [low, high] = [LOWEST, HIGHEST].map(perSecond => find(points, { perSecond, viewers: 1 }))
  if (!low || !high || low.store === 'bare') throw new TypeError('Nothing to fit to.')
  const store = costs.stores[low.store]
  const setOther = (value: number) => {
    if (other === 'wake') costs.wake = value
    else store.commit = value
  }
  for (let i = 0; i < TURNS_OF_FITTING; i++) {
    const most = (low.loop - costs.idle) / LOWEST
    solve(setOther, most, () => simulate(scenarioOf(low), costs, FIT_SECONDS).loop, low.loop)
    solve((value) => { store.message = value }, most, () => simulate(scenarioOf(high), costs, FIT_SECONDS).loop, high.loop)
  }
  store.hop = Math.max(0, ((low.latency?.p50Ms ?? 0) - simulate(scenarioOf(low), costs, FIT_SECONDS).seen.p50Ms) / 1_000)
}

/** The value from 0 to `most` at which what grows with it reaches `wanted`. */
function solve(set: (value: number) => void, most: number, look: () => number, wanted: number) {
  let [low, high] = [0, most]
  for (let i = 0; i < STEPS; i++) {
    const middle = (low + high) / 2
    set(middle)
    if (look() < wanted) low = middle
    else high = middle
  }
}

/** From what a hundred viewers cost more than ten: with an event in each write, and with those of a batch. */
function viewerCosts(points: readonly Point[]): Pick<Costs, 'tell' | 'viewerWrite' | 'viewerEvent' | 'viewerLook'> {
  const [few, many] = [10, 100]
  const perViewer = (perSecond: number, batchMs: number) =>
    (find(points, { perSecond, batchMs, viewers: many, interest: 1 }).loop - find(points, { perSecond, batchMs, viewers: few, interest: 1 }).loop) / (many - few)
  const [singleRate, batchRate] = [100, 1_000]
  const writes = 1_000 / BATCH_MS
  // single = rate × (write + event); batched = writes × write + rate × event
  const single = perViewer(singleRate, 0) / singleRate
  const batched = perViewer(batchRate, BATCH_MS)
  const viewerEvent = Math.max(0, (batched - writes * single) / (batchRate - writes))
  const viewerWrite = Math.max(0, single - viewerEvent)
  const choosy = find(points, { perSecond: batchRate, viewers: many, interest: 0.001 })
  const batchedFew = find(points, { perSecond: batchRate, viewers: few, batchMs: BATCH_MS, interest: 1 })
  const withoutViewers = batchedFew.loop - few * batched
  // The same messages to one viewer, told turn by turn instead of batch by batch.
  const turnByTurn = find(points, { perSecond: batchRate, viewers: 1, batchMs: 0 })
  const tell = Math.max(0, (turnByTurn.loop - batchRate * single - withoutViewers) / (batchRate - writes))
  const heard = many * batchRate * choosy.interest * (viewerWrite + viewerEvent)
  return { tell, viewerWrite, viewerEvent, viewerLook: Math.max(0, (choosy.loop - withoutViewers - heard) / (many * batchRate)) }
}

function databaseCosts(points: readonly Point[]): Pick<Costs, 'databaseCommit' | 'databaseMessage'> {
  const rated = points.filter(({ commitsPerSecond }) => commitsPerSecond > 0)
  const [databaseCommit, databaseMessage] = line(rated.map(({ perSecond, commitsPerSecond, databaseCpu }) => [perSecond / commitsPerSecond, databaseCpu / commitsPerSecond]))
  return { databaseCommit, databaseMessage }
}

/** The straight line through points by least squares: its height at 0 and its slope, neither below 0. */
export function line(points: readonly (readonly [x: number, y: number])[]): [height: number, slope: number] {
  if (points.length === 0) return [0, 0]
  const mean = (of: (point: readonly [number, number]) => number) => points.reduce((sum, point) => sum + of(point), 0) / points.length
  const [x, y] = [mean(([x]) => x), mean(([, y]) => y)]
  const spread = mean(point => (point[0] - x) ** 2)
  const slope = spread === 0 ? 0 : Math.max(0, mean(point => (point[0] - x) * (point[1] - y)) / spread)
  const height = y - slope * x
  // Through 0, where it would begin below.
  return height >= 0 ? [height, slope] : [0, mean(([x, y]) => x * y) / mean(([x]) => x * x)]
}

function find(points: readonly Point[], wanted: Partial<Point>): Point {
  const found = points.find(point => Object.entries(wanted).every(([key, value]) => Reflect.get(point, key) === value))
  if (!found) throw new Error(`There is no point with ${JSON.stringify(wanted)}.`)
  return found
}
