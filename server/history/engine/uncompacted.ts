// Counts what is stored but not packed yet, from memory. The storage statistics count what is packed.
import type { StorageStats } from './storage-stats'
import { floorTo, TIERS } from './rollups'
import type { StoredMessage } from './segments'
import { nextTurn, startSlice } from './scheduler'
import type { DeviceHead } from './head'
import { toMetricValue } from './values'

/** Approximate bytes around the metrics of a record in the journal. */
const ENVELOPE_BYTES = 110
/** Fewer messages are counted on every request, more only from time to time. */
const FEW = 20_000
const AGAIN_MS = 60_000

/** `bytes` of a tier and a series approximate their size in the journal; growth is computed from what is packed. */
export type Uncompacted = Pick<StorageStats, 'messages' | 'tiers' | 'series'>

export async function countUncompacted(heads: Iterable<DeviceHead>): Promise<Uncompacted> {
  const series: StorageStats['series'] = []
  let [messages, bytes, first] = [0, 0, Infinity]
  let inTime = startSlice()
  for (const head of [...heads]) {
    const byMetric = new Map<string, number>()
    for (const message of head.messages()) {
      messages++
      bytes += share(message, byMetric)
      first = Math.min(first, message.time)
    }
    for (const [metric, own] of byMetric) series.push({ device: head.device, metric, bytes: Math.round(own) })
    if (inTime()) continue
    await nextTurn()
    inTime = startSlice()
  }
  const tier = (from: number, bytes = 0) => ({ from: messages === 0 ? null : from, bytes: Math.round(bytes), lastDayBytes: 0 })
  // Minutes and hours are made when messages are packed, and begin where their rows will.
  return { messages, series, tiers: { raw: tier(first, bytes), minute: tier(floorTo(first, TIERS.minute.period)), hour: tier(floorTo(first, TIERS.hour.period)) } }
}

/** Adds the bytes of a message to its metrics, all of them. */
function share({ metrics }: StoredMessage, byMetric: Map<string, number>): number {
  const names = Object.keys(metrics)
  let bytes = ENVELOPE_BYTES
  for (const name of names) {
    const own = Buffer.byteLength(JSON.stringify([name, toMetricValue(metrics[name] ?? null)]))
    bytes += own
    byMetric.set(name, (byMetric.get(name) ?? 0) + own + ENVELOPE_BYTES / names.length)
  }
  return bytes
}

/** Counts what is not packed yet; a small amount is counted anew each time. */
export function createUncompactedCount(head: { all: () => Iterable<DeviceHead>, size: () => number }): () => Promise<Uncompacted> {
  let held: { counted: Uncompacted, atMs: number } | undefined
  return async () => {
    const isOld = !held || performance.now() - held.atMs > AGAIN_MS
    if (isOld || head.size() <= FEW) held = { counted: await countUncompacted(head.all()), atMs: performance.now() }
    return { ...held?.counted ?? NOTHING, messages: head.size() }
  }
}

const NO_TIER = { bytes: 0, from: null, lastDayBytes: 0 }
export const NOTHING: StorageStats = { messages: 0, tiers: { raw: NO_TIER, minute: NO_TIER, hour: NO_TIER }, series: [] }

/** The sum of what is packed and what is not. */
export function withUncompacted(stats: StorageStats, uncompacted: Uncompacted): StorageStats {
  const byName = new Map(stats.series.map(series => [keyOf(series), series]))
  for (const series of uncompacted.series) byName.set(keyOf(series), { ...series, bytes: series.bytes + (byName.get(keyOf(series))?.bytes ?? 0) })
  const tierOf = (name: keyof StorageStats['tiers']) => {
    const [packed, waiting] = [stats.tiers[name], uncompacted.tiers[name]]
    return { ...packed, bytes: packed.bytes + waiting.bytes, from: least(packed.from, waiting.from) }
  }
  return {
    messages: stats.messages + uncompacted.messages,
    tiers: { raw: tierOf('raw'), minute: tierOf('minute'), hour: tierOf('hour') },
    series: [...byName.values()],
  }
}

function keyOf({ device, metric }: { device: number, metric: string }): string {
  return `${device} ${metric}`
}

function least(a: number | null, b: number | null): number | null {
  return a === null || b === null ? a ?? b : Math.min(a, b)
}

/** A full count may be a hundred times as old as it took to make, at most a minute. */
export function createStorageStatsCache<T>(take: () => Promise<T>) {
  let held: { taken: Promise<T>, until: number } | undefined

  function begin(): Promise<T> {
    const began = performance.now()
    const own = held = { taken: take(), until: Infinity }
    own.taken.then(() => {
      const ended = performance.now()
      own.until = ended + Math.min(AGAIN_MS, 100 * (ended - began))
    }, () => { own.until = 0 })
    return own.taken
  }

  return {
    get: (): Promise<T> => held && performance.now() < held.until ? held.taken : begin(),
    clear() {
      held = undefined
    },
  }
}
