// The points that are measured: so many messages a second, so many viewers, this store; what each part used of the processor.
import { setTimeout as sleep } from 'node:timers/promises'
import { startBareSite, startSite } from './sites.ts'
import type { Site, Store, Viewers } from './sites.ts'
import type { Usage } from './usage.ts'
import type { Latencies } from '../latency/latencies.ts'

export const EVERY = '/ws/events?after='
export const BATCH_MS = 50
export const BATCH = `${EVERY}&batch=${BATCH_MS}`
export const ONE_DEVICE = `${BATCH}&device=bench-{n}`
const WARM_UP_MS = 700
/** Until everybody has the snapshot, and what it took has been collected. */
const CROWDED_WARM_UP_MS = 3_000
const CROWDED = 1_000
/** Compiled code is quicker: so long it runs before anything is measured. */
const COLD_MS = 3_000
const COLD_PER_SECOND = 4_000

export interface Load {
  store: Store | 'bare'
  qos: 0 | 1
  perSecond: number
  viewers: number
  /** Milliseconds that events wait for company on their way to a viewer; 0: none. */
  batchMs: number
  /** Share of the devices that a viewer wants to hear of. */
  interest: number
}

export interface Point extends Load {
  /** Messages that came, a second. */
  messagesPerSecond: number
  /** Share of the time in which the event loop was at work. */
  loop: number
  /** CPU seconds a second: of the whole process, of the broker, of the database. */
  cpu: number
  brokerCpu: number
  databaseCpu: number
  commitsPerSecond: number
  /** From the end of a turn to the store's word that it is kept. */
  commitMs: number
  /** Collections of the young generation a second, and how long one takes. */
  pausesPerSecond: number
  pauseMs: number
  latency: Latencies | undefined
}

/** Rates of the points with one viewer, for each store. The first and the last are what costs are told from. */
export const RATES = [1_000, 2_000, 4_000, 8_000, 12_000]
const VIEWER_POINTS = [
  { path: EVERY, perSecond: 100, viewers: 10, batchMs: 0, interest: 1 },
  { path: EVERY, perSecond: 100, viewers: 100, batchMs: 0, interest: 1 },
  { path: BATCH, perSecond: 1_000, viewers: 10, batchMs: BATCH_MS, interest: 1 },
  { path: BATCH, perSecond: 1_000, viewers: 100, batchMs: BATCH_MS, interest: 1 },
  { path: ONE_DEVICE, perSecond: 1_000, viewers: 100, batchMs: BATCH_MS, interest: 0.001 },
  { path: EVERY, perSecond: 0, viewers: 1_000, batchMs: 0, interest: 1 },
]

/** All points of one store with one viewer; without a store also those with other numbers of viewers. */
export async function measureStore(store: Store, qos: 0 | 1, seconds: number): Promise<Point[]> {
  const site = await startSite({ store, qos })
  const points: Point[] = []
  try {
    await heat(site)
    const one = { path: EVERY, viewers: 1, batchMs: 0, interest: 1 }
    const rest = { ...one, viewers: 0, perSecond: 0 }
    for (const { path, ...load } of [rest, ...RATES.map(perSecond => ({ ...one, perSecond })), ...store === 'off' ? VIEWER_POINTS : []]) {
      points.push(await measurePoint(site, path, { store, qos, ...load }, seconds))
    }
    return points
  }
  finally {
    await site.stop()
  }
}

async function heat(site: Pick<Site, 'send' | 'pause'>) {
  site.send(COLD_PER_SECOND)
  await sleep(COLD_MS)
  await site.pause()
}

async function measurePoint(site: Site, path: string, load: Load, seconds: number): Promise<Point> {
  const viewers = load.viewers > 0 ? await site.watch(path, load.viewers) : undefined
  if (load.perSecond > 0) site.send(load.perSecond)
  await sleep(load.viewers < CROWDED ? WARM_UP_MS : CROWDED_WARM_UP_MS)
  await viewers?.take()
  const before = await look(site)
  await sleep(seconds * 1_000)
  const after = await look(site)
  const latency = load.perSecond > 0 ? await viewers?.take() : undefined
  if (load.perSecond > 0) await site.pause()
  await leave(viewers)
  return { ...load, ...difference(before, after), messagesPerSecond: load.perSecond, latency }
}

async function leave(viewers: Viewers | undefined) {
  await viewers?.stop()
}

/** The same rates for a subscriber that does nothing with them. */
export async function measureBare(qos: 0 | 1, seconds: number): Promise<Point[]> {
  const site = await startBareSite({ qos })
  const points: Point[] = []
  try {
    site.send(COLD_PER_SECOND)
    await sleep(COLD_MS)
    for (const perSecond of RATES) {
      site.send(perSecond)
      await sleep(WARM_UP_MS)
      await site.take()
      const look = async () => ({ usage: await site.usage(), broker: site.brokerCpuSeconds(), database: 0, commits: 0, commitSeconds: 0 })
      const before = await look()
      await sleep(seconds * 1_000)
      const after = await look()
      points.push({ store: 'bare', qos, perSecond, viewers: 0, batchMs: 0, interest: 1, ...difference(before, after), messagesPerSecond: perSecond, latency: await site.take() })
    }
    return points
  }
  finally {
    await site.stop()
  }
}

interface Look { usage: Usage, broker: number, database: number, commits: number, commitSeconds: number }

/** To ask for the number of commits is work: it is done outside of what is measured. */
async function look(site: Site): Promise<Look> {
  const { commits, seconds } = await site.commits()
  return { usage: await site.usage(), broker: site.brokerCpuSeconds(), database: site.databaseCpuSeconds(), commits, commitSeconds: seconds }
}

function difference(before: Look, after: Look) {
  const ms = after.usage.atMs - before.usage.atMs
  const perSecond = (of: (look: Look) => number) => (of(after) - of(before)) / ms * 1_000
  const ratio = (value: number, number: number) => number > 0 ? value / number : 0
  const commits = after.commits - before.commits
  const pauses = after.usage.pauses - before.usage.pauses
  return {
    loop: perSecond(({ usage }) => usage.loopMs / 1_000),
    cpu: perSecond(({ usage }) => usage.cpuMs / 1_000),
    brokerCpu: perSecond(({ broker }) => broker),
    databaseCpu: perSecond(({ database }) => database),
    commitsPerSecond: perSecond(({ commits }) => commits),
    commitMs: ratio((after.commitSeconds - before.commitSeconds) * 1_000, commits),
    pausesPerSecond: perSecond(({ usage }) => usage.pauses),
    pauseMs: ratio(after.usage.pauseMs - before.usage.pauseMs, pauses),
  }
}
