import type { HistoryAnswer, HistoryInterval, HistoryPoint } from '#shared/schemas/history'
import type { MetricValue } from '#shared/schemas/telemetry'
import { fromMicroseconds } from '#shared/utils/time'
import type { Archive } from './archive'
import { mergeRollups, MINUTE, rollUp, TIERS } from './rollups'
import type { Rollup, TierName } from './rollups'
import type { Sample, StoredMessage } from './segments'

/** Beyond this many messages in a range it is read from the minutes. */
const RAW_MESSAGES = 20_000

export interface ReadableStore {
  archive: Archive
  kept: { raw: number, minute: number }
  device: (deviceId: string) => number | undefined
  unpacked: (device: number) => readonly StoredMessage[]
}

/** A question about one metric of one device; times in microseconds since 1970, both ends included. */
export interface Question { deviceId: string, metric: string, unit: string | null, from: number, to: number }

/** Every sample, oldest first, at most `limit`. */
export function readRaw(store: ReadableStore, question: Question, limit: number): HistoryAnswer {
  const samples = samplesOf(store, question)
  const points = samples.slice(0, limit).map(({ time, value }): [number, Sample['value']] => [time / 1000, value])
  return { ...headOf(question), kind: 'samples', resolution: 'raw', points, more: samples.length > limit }
}

/** About `points` buckets from the tier that fits: numbers with min and max, texts and booleans as intervals. */
export function readThinned(store: ReadableStore, question: Question, points: number): HistoryAnswer {
  const { resolution, rollups, samples } = readTier(store, question, points)
  const isNumber = samples ? samples.some(({ value }) => typeof value === 'number') : rollups.some(({ numbers }) => numbers > 0)
  if (!isNumber) {
    const changes = samples ?? rollups.map(({ start, last }) => ({ time: start, value: last }))
    const held = heldAt(store, question)
    if (held !== undefined && typeof held !== 'number') changes.unshift({ time: question.from, value: held })
    if (changes.length > 0) return { ...headOf(question), kind: 'state', resolution, points: toIntervals(changes, question.to) }
  }
  const step = stepFor(question, points, resolution)
  const buckets = samples ? rollUp(samples, step) : mergeRollups(rollups, step)
  return { ...headOf(question), kind: 'number', resolution, stepSeconds: step / 1_000_000, points: buckets.flatMap(toPoint) }
}

function headOf({ deviceId, metric, unit, from, to }: Question) {
  return { deviceId, metric, unit, from: fromMicroseconds(from), to: fromMicroseconds(to) }
}

function readTier(store: ReadableStore, question: Question, points: number): { resolution: 'raw' | TierName, rollups: Rollup[], samples?: Sample[] } {
  const { archive, kept } = store
  const { from, to } = question
  const device = store.device(question.deviceId)
  if (device === undefined) return { resolution: 'raw', rollups: [], samples: [] }
  const width = (to - from) / points
  if (from >= kept.raw && width < MINUTE * 5 && archive.countMessages(device, from, to) <= RAW_MESSAGES) {
    return { resolution: 'raw', rollups: [], samples: samplesOf(store, question) }
  }
  const tier: TierName = width < TIERS.hour.step && from >= kept.minute ? 'minute' : 'hour'
  const series = archive.seriesOf(device, question.metric)
  const packed = series === undefined ? [] : archive.rollups(series, tier, from, to)
  return { resolution: tier, rollups: withUnpacked(store, device, question, packed, tier) }
}

/** Packed buckets and what is not packed yet, as one row of buckets. */
function withUnpacked({ archive, unpacked }: ReadableStore, device: number, { metric, from, to }: Question, packed: Rollup[], tier: TierName) {
  const fresh = archive.beside(device, metric, unpacked(device)).filter(({ time }) => time >= from && time <= to)
  const { step } = TIERS[tier]
  return mergeRollups([...packed, ...rollUp(fresh, step)].sort((a, b) => a.start - b.start), step)
}

function samplesOf({ archive, device, unpacked }: ReadableStore, { deviceId, metric, from, to }: Question): Sample[] {
  const id = device(deviceId)
  if (id === undefined) return []
  const fresh = archive.beside(id, metric, unpacked(id)).filter(({ time }) => time >= from && time <= to)
  return [...archive.samples(id, metric, from, to), ...fresh].sort((a, b) => a.time - b.time)
}

/** The value that a metric had when the range began, to the minute, if it was heard within a month before. */
function heldAt({ archive, device, unpacked }: ReadableStore, { deviceId, metric, from }: Question): MetricValue | undefined {
  const id = device(deviceId)
  if (id === undefined) return undefined
  const fresh = archive.beside(id, metric, unpacked(id)).filter(({ time }) => time < from).at(-1)
  const series = archive.seriesOf(id, metric)
  if (fresh || series === undefined) return fresh?.value
  for (const tier of ['minute', 'hour'] as const) {
    const { step, period } = TIERS[tier]
    const packed = archive.rollups(series, tier, from - period, from).filter(({ start }) => start + step <= from).at(-1)
    if (packed) return packed.last
  }
  return undefined
}

/** A bucket width in microseconds that gives about the points asked for, in whole steps of the tier. */
function stepFor({ from, to }: Question, points: number, resolution: 'raw' | TierName): number {
  const least = resolution === 'raw' ? 1 : TIERS[resolution].step
  return Math.max(1, Math.ceil((to - from) / points / least)) * least
}

function toPoint({ start, count, numbers, min, max, sum, last }: Rollup): HistoryPoint[] {
  if (numbers === 0) return []
  return [{ time: start / 1000, min, max, mean: sum / numbers, last: typeof last === 'number' ? last : max, count }]
}

/** Runs of equal values; each holds until the next begins, the last to the end of the range. */
function toIntervals(changes: readonly Sample[], end: number): HistoryInterval[] {
  const intervals: HistoryInterval[] = []
  for (const { time, value } of changes) {
    const open = intervals.at(-1)
    if (open?.value === value) continue
    if (open) open.to = time / 1000
    intervals.push({ from: time / 1000, to: end / 1000, value })
  }
  return intervals
}

/** The newest messages before a moment, newest first. */
export function readMessagesBefore({ archive, device, unpacked }: ReadableStore, deviceId: string, before: number, limit: number): StoredMessage[] {
  const id = device(deviceId)
  if (id === undefined) return []
  const fresh = unpacked(id).filter(({ time }) => time < before)
  return [...fresh, ...archive.messagesBefore(id, before, limit)].sort((a, b) => b.time - a.time)
}

const SPARKLINE = 60 * MINUTE

/** The mean of each minute of the last hour, as `[milliseconds since 1970, mean]`. */
export function readSparkline(store: ReadableStore, deviceId: string, metric: string, now: number): [number, number][] {
  const device = store.device(deviceId)
  const series = device === undefined ? undefined : store.archive.seriesOf(device, metric)
  if (device === undefined) return []
  const question = { deviceId, metric, unit: null, from: now - SPARKLINE, to: now }
  const packed = series === undefined ? [] : store.archive.rollups(series, 'minute', question.from, now)
  return withUnpacked(store, device, question, packed, 'minute')
    .flatMap(({ start, numbers, sum }): [number, number][] => numbers > 0 ? [[start / 1000, sum / numbers]] : [])
}
