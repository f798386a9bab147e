// What the costs make for installations that could not be measured here: how many of each part, and which gives way first.
import { LOG_PER_SECOND } from './costs.ts'
import type { ClusterShares, Costs } from './costs.ts'
import { simulate } from './model/site.ts'
import type { Outcome } from './model/site.ts'
import type { Scenario } from './model/scenario.ts'

/** Busier than this, a part has nothing left for a bad moment. */
export const FULL = 0.7
/** EMQX 5.1.6, fan-in to a shared subscription, QoS 1: 30,000 messages a second of four processors (its own published figure). */
export const EMQX_PER_SECOND = 30_000
/** What Node.js gives a process without being told otherwise, on a machine with enough of it. */
export const HEAP_BYTES = 4 * 2 ** 30
/** Bytes on disk of a message that comes every 13 seconds: `bench/postgres` with 20 million samples. Its minutes are shared with others then. */
const OFTEN_BYTES = 46
const OFTEN_SECONDS = 30
/** Beyond this the replicas spend more on each other than they take from each other. */
const MOST_REPLICAS = 16
const DAY_SECONDS = 86_400
const YEAR_DAYS = 365
const SIMULATED_SECONDS = 0.7
/** Nobody looks at more devices at once; pages ask for what they show, in batches. */
const SEEN_AT_ONCE = 200
const BATCH_MS = 50
const DEVICES_OF_A_VIEWER = 1_000
const FEWEST_VIEWERS = 10

export interface Fleet { devices: number, everySeconds: number }

/** How much of what it can do each part is asked for: 1 is all of it. */
export type Loads = Record<'event loop' | 'memory' | 'log' | 'broker', number>

export interface Plan extends Fleet {
  perSecond: number
  viewers: number
  replicas: number
  brokers: number
  /** CPUs that the database is busy with. */
  databaseCpus: number
  /** Of each replica; and what of it is in the heap. */
  memoryBytes: number
  heapBytes: number
  /** What is kept of a year, were nothing deleted. */
  diskBytesPerYear: number
  loads: Loads
  /** The part that is nearest to what it can do. */
  first: keyof Loads
  fits: boolean
}

/** The smallest installation that takes it, or the largest there is, which does not. */
export function planFor(fleet: Fleet, costs: Costs, shares: ClusterShares): Plan {
  for (let replicas = 1; ; replicas++) {
    const plan = planWith(fleet, replicas, costs, shares)
    // More replicas help the event loop, and nothing else.
    if (plan.fits || replicas >= MOST_REPLICAS) return plan
  }
}

function planWith(fleet: Fleet, replicas: number, costs: Costs, shares: ClusterShares): Plan {
  const { devices, everySeconds } = fleet
  const perSecond = devices / everySeconds
  const viewers = Math.max(FEWEST_VIEWERS, Math.round(devices / DEVICES_OF_A_VIEWER))
  const store = costs.stores.postgres
  const brokers = Math.ceil(perSecond / (EMQX_PER_SECOND * FULL))
  const memoryBytes = costs.baseBytes + devices * costs.deviceBytes + viewers / replicas * costs.viewerBytes
  const heapBytes = memoryBytes - devices * (costs.deviceBytes - costs.deviceHeapBytes)
  // At most one commit of each replica is under way, and as many as the log takes one after the other.
  const keeping = KEEP_SECONDS * perSecond
  const commits = Math.min(perSecond, Math.max(0, 1 - keeping) / store.keepFixed)
  const loads = {
    'event loop': loopOf(perSecond, viewers, devices, replicas, costs, shares) / FULL,
    'memory': heapBytes / HEAP_BYTES,
    'log': keeping / FULL,
    'broker': perSecond / brokers / EMQX_PER_SECOND / FULL,
  }
  return {
    ...fleet, perSecond, viewers, replicas, brokers, memoryBytes, heapBytes, loads,
    databaseCpus: commits * costs.databaseCommit + perSecond * costs.databaseMessage,
    diskBytesPerYear: perSecond * DAY_SECONDS * YEAR_DAYS * (everySeconds < OFTEN_SECONDS ? OFTEN_BYTES : costs.diskBytes.postgres),
    first: firstOf(loads),
    fits: Object.values(loads).every(load => load <= 1),
  }
}

/** Share of the time that the event loop of each replica is at work; waking up is not in it, for a busy one does not sleep. */
function loopOf(perSecond: number, viewers: number, devices: number, replicas: number, costs: Costs, shares: ClusterShares): number {
  const { message, commit, keepFixed, pauseEvery, pauseSeconds } = costs.stores.postgres
  const taken = message + pauseSeconds / pauseEvery
  const ofMessage = taken * (replicas > 1 ? shares.take / replicas + shares.follow : 1)
  const interest = Math.min(1, SEEN_AT_ONCE / devices)
  const own = viewers / replicas
  // The log takes one commit after the other: the more replicas, the fewer of each.
  const committing = commit * Math.min(perSecond, 1 / keepFixed) / replicas
  const looking = own * costs.viewerLook
  const writes = Math.min(1_000 / BATCH_MS, perSecond * interest)
  const telling = 1_000 / BATCH_MS * costs.tell + own * (writes * costs.viewerWrite + perSecond * interest * costs.viewerEvent)
  return costs.idle + perSecond * (ofMessage + looking) + committing + telling
}

/** Of the log for a message: no less than it has been seen to take with large commits; what small ones tell of it is too uncertain. */
const KEEP_SECONDS = 1 / LOG_PER_SECOND

function firstOf(loads: Loads): keyof Loads {
  let first: keyof Loads = 'event loop'
  for (const part of ['memory', 'log', 'broker'] as const) if (loads[part] > loads[first]) first = part
  return first
}

/** The most devices that one installation takes, to two digits. */
export function mostDevices(everySeconds: number, costs: Costs, shares: ClusterShares): Plan {
  let [low, high] = [1, 1e9]
  while (high / low > 1.01) {
    const middle = Math.sqrt(low * high)
    if (planFor({ devices: middle, everySeconds }, costs, shares).fits) low = middle
    else high = middle
  }
  const digits = 10 ** Math.floor(Math.log10(low) - 1)
  return planFor({ devices: Math.floor(low / digits) * digits, everySeconds }, costs, shares)
}

/** The model run with such a plan, message by message. */
export function rehearse({ devices, perSecond, viewers, replicas, brokers }: Plan, costs: Costs, shares: ClusterShares): Outcome {
  const scenario: Scenario = {
    store: 'postgres', perSecond, arrivals: 'random', viewers, batchMs: BATCH_MS, interest: Math.min(1, SEEN_AT_ONCE / devices),
    replicas, shares, brokers, brokerSeconds: 1 / EMQX_PER_SECOND,
  }
  const postgres = { ...costs.stores.postgres, keepMessage: KEEP_SECONDS }
  return simulate(scenario, { ...costs, stores: { ...costs.stores, postgres } }, SIMULATED_SECONDS)
}
