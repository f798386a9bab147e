import type { HistoryAnswer, HistoryGap, HistoryPoint } from '#shared/schemas/history'
import { fromMicroseconds } from '#shared/time/time'
import { packedBefore, packedRollups, packedSamples, samplesBeside } from '../engine/segment-io'
import { gapsBetween, rollupPieces, samplePieces, toIntervals } from './gaps'
import { valueSinceBefore } from './value-since'
import type { ValueSince } from './value-since'
import { DAY, floorTo, meanOf, mergeRollups, MINUTE, rollUp, TIERS } from '../engine/rollups'
import type { Rollup, TierName } from '../engine/rollups'
import type { Sample, StoredMessage } from '../engine/segments'
import type { Readable, SegmentStore } from '../engine/segment-store'
import { numberIn, toMetricValue } from '../engine/values'
import type { MetricOrNull } from '../engine/values'

/** With more messages in a range, minutes are read instead. */
const RAW_MESSAGES = 20_000

/** A question about one metric of one device; times in microseconds since 1970, both ends included. */
export interface ChartQuestion { deviceId: string, metric: string, unit: string | null, from: number, to: number }

/** What a chart query reads of one device: packed and not packed. */
interface ChartSource {
  segmentStore: SegmentStore
  retained: Readable['retained']
  device: number
  uncompacted: readonly StoredMessage[]
}

/** Every sample, oldest first, at most `limit`. */
async function readRaw(store: Readable, question: ChartQuestion, limit: number): Promise<HistoryAnswer> {
  const samples = await ask(store, question.deviceId, source => samplesOf(source, question), [])
  const shown = samples.slice(0, limit)
  const points = shown.map(({ time, value }): [number, MetricOrNull] => [time / 1000, toMetricValue(value)])
  const exact = shown.flatMap(({ value }, i) => typeof value === 'bigint' ? [i] : [])
  const more = samples.length > limit
  return { ...headOf(question), kind: 'samples', resolution: 'raw', points, more, ...(exact.length > 0 && { exact }) }
}

/** About `points` buckets from the tier that fits: numbers with min and max, texts and booleans as intervals. */
function readThinned(store: Readable, question: ChartQuestion, points: number): Promise<HistoryAnswer> {
  return ask(
    store,
    question.deviceId,
    source => thinned(source, question, points),
    toAnswer({ resolution: 'raw', rollups: [], samples: [] }, question, points),
  )
}

async function thinned(source: ChartSource, question: ChartQuestion, points: number): Promise<HistoryAnswer> {
  const tier = await readTier(source, question, points)
  return toAnswer(tier, question, points, isNumber(tier) ? undefined : await heldAt(source, question))
}

function toAnswer(tier: Tier, question: ChartQuestion, points: number, held?: ValueSince): HistoryAnswer {
  const { resolution, rollups, samples } = tier
  if (!isNumber(tier)) {
    const changes = samples ?? rollups.map(({ start, last }) => ({ time: start, value: last }))
    if (held && numberIn(held.value) === undefined) changes.unshift({ time: question.from, value: held.value })
    if (changes.some(({ value }) => value !== null)) {
      const intervals = toIntervals(changes, question.to, held)
      return { ...headOf(question), kind: 'state', resolution, points: intervals.points, ...withGaps(intervals.gaps) }
    }
  }
  const step = stepFor(question, points, resolution)
  const buckets = samples ? rollUp(samples, step) : mergeRollups(rollups, step)
  const skipped = buckets.reduce((sum, { count, numbers }) => sum + count - numbers, 0)
  return {
    ...headOf(question),
    kind: 'number',
    resolution,
    stepSeconds: step / 1_000_000,
    points: buckets.flatMap(toPoint),
    ...withGaps(gapsBetween(piecesOf(tier), step)),
    ...(skipped > 0 && { skipped }),
    ...(isRounded(tier) && { rounded: true }),
  }
}

function piecesOf({ resolution, rollups, samples }: Tier) {
  return resolution === 'raw' ? samplePieces(samples ?? []) : rollupPieces(rollups, TIERS[resolution].step)
}

/** Whether it contains numbers with more digits than a double has. */
function isRounded({ rollups, samples = [] }: Tier): boolean {
  return samples.some(({ value }) => typeof value === 'bigint') || rollups.some(({ last }) => typeof last === 'bigint')
}

function withGaps(gaps: HistoryGap[]): { gaps?: HistoryGap[] } {
  return gaps.length > 0 ? { gaps } : {}
}

function isNumber({ rollups, samples }: Pick<Tier, 'rollups' | 'samples'>): boolean {
  if (!samples) return rollups.some(({ numbers }) => numbers > 0)
  return samples.some(({ value }) => numberIn(value) !== undefined)
}

/** Runs a query for a device by its name; `nothing` is the answer for an unknown name. */
async function ask<T>(
  store: Readable,
  deviceId: string,
  read: (source: ChartSource) => Promise<T>,
  nothing: T,
): Promise<T> {
  const device = store.device(deviceId)
  if (device === undefined) return nothing
  const { segmentStore, retained } = store
  return store.readConsistently(device, uncompacted => read({ segmentStore, retained, device, uncompacted }))
}

function headOf({ deviceId, metric, unit, from, to }: ChartQuestion) {
  return { deviceId, metric, unit, from: fromMicroseconds(from), to: fromMicroseconds(to) }
}

interface Tier { resolution: 'raw' | TierName, rollups: Rollup[], samples?: Sample[] | undefined }

async function readTier(source: ChartSource, question: ChartQuestion, points: number): Promise<Tier> {
  const { segmentStore, retained, device } = source
  const { from, to } = question
  const width = (to - from) / points
  if (from >= retained.raw
    && width < MINUTE * 5
    && await segmentStore.countMessages(device, from, to) <= RAW_MESSAGES) {
    return { resolution: 'raw', rollups: [], samples: await samplesOf(source, question) }
  }
  const tier: TierName = width < TIERS.hour.step && from >= retained.minute ? 'minute' : 'hour'
  return { resolution: tier, rollups: await rollupsOf(source, question, tier) }
}

/** Packed buckets merged with what is not packed yet. */
async function rollupsOf(
  { segmentStore, device, uncompacted }: ChartSource,
  { metric, from, to }: Pick<ChartQuestion, 'metric' | 'from' | 'to'>,
  tier: TierName,
) {
  const packed = await packedRollups(segmentStore, device, metric, tier, from, to)
  const fresh = (await samplesBeside(segmentStore, device, metric, uncompacted)).filter(({ time }) => time >= from && time <= to)
  const { step } = TIERS[tier]
  return mergeRollups([...packed, ...rollUp(fresh, step)].sort((a, b) => a.start - b.start), step)
}

async function samplesOf(
  { segmentStore, device, uncompacted }: ChartSource,
  { metric, from, to }: ChartQuestion,
): Promise<Sample[]> {
  const fresh = (await samplesBeside(segmentStore, device, metric, uncompacted)).filter(({ time }) => time >= from && time <= to)
  return [...await packedSamples(segmentStore, device, metric, from, to), ...fresh].sort((a, b) => a.time - b.time)
}

/** The value of a metric when the range began. */
function heldAt(source: ChartSource, question: ChartQuestion): Promise<ValueSince | undefined> {
  const { segmentStore, retained, device, uncompacted } = source
  return valueSinceBefore({
    retained,
    async samples(from, to) {
      if (await segmentStore.countMessages(device, from, to) > RAW_MESSAGES) return undefined
      return samplesOf(source, { ...question, from, to })
    },
    rollups: (tier, from, to) => rollupsOf(source, { ...question, from, to }, tier),
    async lastMinutes(upTo) {
      const packed = await segmentStore.lastMinutes(device, question.metric, upTo) ?? -Infinity
      const last = uncompacted.reduce((latest, { time }) => time <= upTo && time > latest ? time : latest, packed)
      return last === -Infinity ? undefined : floorTo(last, DAY)
    },
  }, question.from)
}

/** A bucket width in microseconds that gives about the requested number of points, in whole steps of the tier. */
function stepFor({ from, to }: ChartQuestion, points: number, resolution: 'raw' | TierName): number {
  const least = resolution === 'raw' ? 1 : TIERS[resolution].step
  return Math.max(1, Math.ceil((to - from) / points / least)) * least
}

function toPoint(rollup: Rollup): HistoryPoint[] {
  const { start, numbers, min, max, last } = rollup
  if (numbers === 0) return []
  return [{ time: start / 1000, min, max, mean: meanOf(rollup), last: numberIn(last) ?? max, count: numbers }]
}

/** The newest messages before a moment, newest first. */
function readMessagesBefore(store: Readable, deviceId: string, before: number, limit: number): Promise<StoredMessage[]> {
  return ask(store, deviceId, async ({ segmentStore, device, uncompacted }) => {
    const fresh = uncompacted.filter(({ time }) => time < before)
    const packed = await packedBefore(segmentStore, device, before, limit)
    return [...packed.reverse(), ...fresh].sort((a, b) => a.time - b.time).reverse()
  }, [])
}

const SPARKLINE = 60 * MINUTE

export interface SparklinePoints { points: [number, number][], gaps?: HistoryGap[] }

/** The mean of each minute of the last hour, as `[milliseconds since 1970, mean]`. */
function readSparkline(store: Readable, deviceId: string, metric: string, now: number): Promise<SparklinePoints> {
  return ask(store, deviceId, async (source) => {
    const rollups = await rollupsOf(source, { metric, from: now - SPARKLINE, to: now }, 'minute')
    const numbers = rollups.filter(rollup => rollup.numbers > 0)
    const points = numbers.map((rollup): [number, number] => [rollup.start / 1000, meanOf(rollup)])
    return { points, ...withGaps(gapsBetween(rollupPieces(rollups, MINUTE), MINUTE)) }
  }, { points: [] })
}

/** The chart queries of the history; `opened` throws while it is not open. */
export function createChartQueries(opened: () => Readable) {
  return {
    raw: async (question: ChartQuestion, limit: number) => readRaw(opened(), question, limit),
    thinned: async (question: ChartQuestion, points: number) => readThinned(opened(), question, points),
    messagesBefore: async (deviceId: string, before: number, limit: number) => readMessagesBefore(opened(), deviceId, before, limit),
    sparkline: async (deviceId: string, metric: string, now: number) => readSparkline(opened(), deviceId, metric, now),
  }
}
