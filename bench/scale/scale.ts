// What a message and a viewer cost a server that is alone, and a replica. docs/scale.md reasons with what this prints.
import { setTimeout as sleep } from 'node:timers/promises'
import type { BenchOptions, Say } from '../support/bench.ts'
import { count, table } from '../support/figures.ts'
import type { Latencies } from '../latency/latencies.ts'
import { startSite } from './site.ts'
import type { Site, SiteOptions, Usage } from './site.ts'

const SECONDS = 2
/** Compiled code is quicker: so long it runs before anything is measured. */
const COLD_MS = 3_000
const COLD_PER_SECOND = 4_000
/** Until all viewers have the snapshot, and what it took has been collected. */
const WARM_UP_MS = 1_000
const CROWDED_WARM_UP_MS = 3_000
const CROWDED = 1_000

const SITES: Record<string, SiteOptions> = {
  'alone, SQLite': { database: 'SQLite', replicas: 0 },
  'alone, PostgreSQL': { database: 'PostgreSQL', replicas: 0 },
  'one replica': { database: 'PostgreSQL', replicas: 1 },
  'one of two replicas': { database: 'PostgreSQL', replicas: 2 },
}

const ALL = '/ws/events?after='
const BATCHED = `${ALL}&batch=50`
const LOADS: Load[] = [
  { perSecond: 0, viewers: 0, path: ALL, what: '' },
  { perSecond: 1_000, viewers: 1, path: ALL, what: '' },
  { perSecond: 8_000, viewers: 1, path: ALL, what: '' },
  { perSecond: 1_000, viewers: 10, path: BATCHED, what: ', batch=50' },
  { perSecond: 1_000, viewers: 100, path: BATCHED, what: ', batch=50' },
  { perSecond: 1_000, viewers: 100, path: `${BATCHED}&device=bench-{n}`, what: ', batch=50, each one device' },
  { perSecond: 0, viewers: CROWDED, path: ALL, what: '' },
]

interface Load { perSecond: number, viewers: number, path: string, what: string }

/** CPU seconds a second of each part, and the messages that were accepted in it. */
interface Point extends Load, Omit<Usage, 'atMs'> { site: string, residentBytes: number, latency: Latencies | undefined }

export async function benchScale({ seconds = SECONDS }: BenchOptions, say: Say) {
  say('\nScale: QoS 1, stored at durability full; three numbers and a stamp a message, 1,000 devices; the server has a processor to itself')
  const points: Point[] = []
  for (const [name, options] of Object.entries(SITES)) {
    points.push(...await measureSite(name, options, seconds))
    say(`${name}: measured`)
  }
  report(points, say)
  return { points }
}

async function measureSite(name: string, options: SiteOptions, seconds: number): Promise<Point[]> {
  const site = await startSite(options)
  try {
    site.send(COLD_PER_SECOND)
    await sleep(COLD_MS)
    await site.pause()
    const points: Point[] = []
    for (const load of LOADS) points.push({ site: name, ...load, ...await measurePoint(site, load, seconds) })
    return points
  }
  finally {
    await site.stop()
  }
}

async function measurePoint(site: Site, { perSecond, viewers, path }: Load, seconds: number) {
  const crowd = viewers > 0 ? await site.watch(path, viewers) : undefined
  if (perSecond > 0) site.send(perSecond)
  await sleep(viewers < CROWDED ? WARM_UP_MS : CROWDED_WARM_UP_MS)
  await crowd?.take()
  const before = await site.usage()
  await sleep(seconds * 1_000)
  const after = await site.usage()
  const latency = perSecond > 0 ? await crowd?.take() : undefined
  const residentBytes = site.residentBytes()
  if (perSecond > 0) await site.pause()
  await crowd?.stop()
  const rate = (of: (usage: Usage) => number) => (of(after) - of(before)) / (after.atMs - before.atMs) * 1_000
  return {
    loop: rate(({ loop }) => loop), cpu: rate(({ cpu }) => cpu), broker: rate(({ broker }) => broker), database: rate(({ database }) => database),
    accepted: rate(({ accepted }) => accepted), residentBytes, latency,
  }
}

function report(points: readonly Point[], say: Say) {
  const rows = points.map(({ site, perSecond, accepted, viewers, what, loop, cpu, broker, database, residentBytes, latency }) => {
    const aMessage = (seconds: number) => accepted > 0 && seconds > 0 ? count(seconds / accepted * 1e6, 1) : ''
    return [
      site, count(perSecond), count(accepted), `${count(viewers)}${what}`, count(loop, 3), count(cpu, 3), aMessage(cpu), aMessage(broker), aMessage(database),
      latency ? count(latency.p50Ms, 2) : '', latency ? count(latency.p99Ms, 1) : '', count(residentBytes / 1e6),
    ]
  })
  say(`\n${table([
    '', 'messages/s', 'accepted', 'viewers', 'event loop', 'CPUs', 'CPU µs a message', 'broker µs', 'database µs', 'p50 ms', 'p99 ms', 'resident MB',
  ], rows)}`)
}
