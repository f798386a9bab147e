// One installation: devices, a broker, the server or its replicas, a store, viewers. Says how busy each part is and how long messages take.
import { percentile } from '../../support/figures.ts'
import type { Costs } from '../costs.ts'
import { createClock } from './queue.ts'
import { createRandom } from './random.ts'
import { createReplica } from './replica.ts'
import type { Scenario } from './scenario.ts'
import { createStation } from './station.ts'

export interface Percentiles { p50Ms: number, p99Ms: number }

export interface Outcome {
  /** Messages that have come to a viewer, a second. */
  perSecond: number
  /** Shares of the time: the busiest event loop, the busiest broker, the store with a commit under way. */
  loop: number
  broker: number
  store: number
  commitsPerSecond: number
  /** From the device until the turn that takes it in has ended, until it is kept, and until a viewer has it. */
  taken: Percentiles
  kept: Percentiles
  seen: Percentiles
  /** Messages still somewhere on the way: more than a second's worth, and it does not keep up. */
  underway: number
}

const TICK_SECONDS = 0.001
/** What happens at first is not counted. */
const WARM_UP_SECONDS = 0.2

/** The same scenario, costs and seed have the same outcome. */
export function simulate(scenario: Scenario, costs: Costs, seconds: number, seed = 1): Outcome {
  const clock = createClock()
  const random = createRandom(seed)
  const times = { taken: [] as number[], kept: [] as number[], seen: [] as number[] }
  let sent = 0
  let seenOfAll = 0
  // There everything of the server shares one processor; elsewhere it has a second one for what its other threads do.
  const isBench = scenario.arrivals === 'paced'
  const isCounted = () => clock.now() >= WARM_UP_SECONDS
  const { keepFixed, keepMessage, beside, broker, hop } = costs.stores[scenario.store]
  // One log: commits are one after the other, whoever makes them.
  const store = createStation<{ messages: readonly number[], done: () => void }>({
    clock, most: 1,
    serviceSeconds: batches => batches.reduce((sum, { messages }) => sum + keepFixed + keepMessage * messages.length, 0),
    onDone: batches => batches.forEach(({ done }) => done()),
  })
  const replicas = Array.from({ length: scenario.replicas }, (_, i) => createReplica({
    clock, random, costs, scenario, viewers: Math.ceil((scenario.viewers - i) / scenario.replicas),
    keep(messages, done) {
      if (isBench) replicas[i]?.disturb(beside)
      store.add({
        messages,
        done() {
          if (isCounted()) for (const sentAt of messages) times.kept.push(clock.now() - sentAt)
          done()
          if (scenario.replicas > 1) clock.after(hop / 2, () => replicas.forEach(({ follow }) => follow(messages)))
        },
      })
    },
    onTaken: (sentAt) => { if (isCounted()) times.taken.push(clock.now() - sentAt) },
    onSeen(sentAt) {
      if (i > 0) return
      seenOfAll++
      if (isCounted()) times.seen.push(clock.now() + hop / 3 - sentAt)
    },
  }))
  const brokers = Array.from({ length: scenario.brokers }, () => createStation<number>({
    clock, most: 1,
    serviceSeconds: () => scenario.brokerSeconds ?? broker,
    onDone: ([sentAt = 0]) => clock.after(hop / 3, () => replicas[random.below(replicas.length)]?.take(sentAt)),
  }))

  function publish() {
    const sentAt = clock.now()
    const node = brokers[sent++ % brokers.length]
    clock.after(hop / 3, () => node?.add(sentAt))
  }
  function tick() {
    for (const due = Math.floor(clock.now() * scenario.perSecond + 1e-6); sent < due;) publish()
    clock.after(TICK_SECONDS, tick)
  }
  function next() {
    publish()
    clock.after(random.exponential(scenario.perSecond), next)
  }

  if (scenario.perSecond > 0) clock.after(0, scenario.arrivals === 'paced' ? tick : next)
  clock.runUntil(seconds)
  const share = (of: { busySeconds: () => number }[]) => Math.max(...of.map(({ busySeconds }) => busySeconds())) / seconds
  return {
    perSecond: times.seen.length / (seconds - WARM_UP_SECONDS),
    loop: costs.idle + share(replicas),
    broker: share(brokers),
    store: share([store]),
    commitsPerSecond: scenario.store === 'off' ? 0 : store.services() / seconds,
    taken: percentiles(times.taken),
    kept: percentiles(times.kept),
    seen: percentiles(times.seen),
    underway: sent - seenOfAll,
  }
}

function percentiles(seconds: readonly number[]): Percentiles {
  const sorted = seconds.toSorted((a, b) => a - b)
  return { p50Ms: percentile(sorted, 0.5) * 1_000, p99Ms: percentile(sorted, 0.99) * 1_000 }
}
