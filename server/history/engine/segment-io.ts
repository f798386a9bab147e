import { createRollupEdits, updateRollups } from './rollup-store'
import type { RetainedFrom, RollupEdits } from './rollup-store'
import { floorTo, HOUR, MINUTE, TIERS, unpackRollups } from './rollups'
import type { Rollup, TierName } from './rollups'
import { buildSegment, placedSamples, readMessages, readSamples, readSegment, samplesOf } from './segments'
import type { Sample, StoredMessage } from './segments'
import type { CompactionStore, SegmentStore } from './segment-store'

/** Packs messages of one device, at least one, into segments and their rollups. All times in microseconds since 1970. */
export function packMessages(
  segmentStore: CompactionStore,
  device: number,
  messages: readonly StoredMessage[],
  retained: RetainedFrom,
) {
  const edits = createRollupEdits(segmentStore, device)
  for (const group of hoursOf(messages)) packGroup(segmentStore, device, group, edits, retained)
  edits.save()
}

/** Messages in order of time, by the hour, so that late ones look only at the hour they belong to. */
export function hoursOf(messages: readonly StoredMessage[]): StoredMessage[][] {
  const sorted = messages.toSorted((a, b) => a.time - b.time)
  return [...Map.groupBy(sorted, ({ time }) => floorTo(time, HOUR)).values()]
}

/**
 * The range that is read to pack messages of one hour: from the start of their first minute to the end of their last.
 */
export function lookedAt(messages: readonly StoredMessage[]): { from: number, to: number } {
  return { from: floorTo(messages[0]?.time ?? 0, MINUTE), to: (messages.at(-1)?.time ?? 0) + MINUTE }
}

/** All samples from the first minute that messages touch, by metric; undefined when those are all older. */
function existingBeside(segmentStore: CompactionStore, device: number, messages: readonly StoredMessage[]): ((metric: string) => Sample[]) | undefined {
  const { from, to } = lookedAt(messages)
  if (!segmentStore.reaches(device, messages[0]?.time ?? 0, to)) return undefined
  const segments = segmentStore.segments(device, from, to).map(readSegment)
  return metric => segments.flatMap(segment => samplesOf(segment, metric)).sort((a, b) => a.time - b.time)
}

function packGroup(
  segmentStore: CompactionStore,
  device: number,
  messages: readonly StoredMessage[],
  edits: RollupEdits,
  retained: RetainedFrom,
) {
  const existingOf = existingBeside(segmentStore, device, messages)
  const { data, first, last, samples: fresh } = buildSegment(messages, existingOf)
  const received = messages.reduce((latest, message) => Math.max(latest, message.received), 0)
  segmentStore.putSegment({ device, first, last, received, data }, messages.length)
  for (const [metric, placed] of fresh) {
    if (placed.length > 0) updateRollups(edits.of(metric), placed, existingOf?.(metric), retained)
  }
}

/** Packed samples of a metric in a range, in order of time. */
export async function packedSamples(segmentStore: SegmentStore, device: number, metric: string, from: number, to: number): Promise<Sample[]> {
  const found: Sample[] = []
  for (const { data } of await segmentStore.segments(device, from, to)) {
    for (const sample of readSamples(data, metric)) {
      if (sample.time >= from && sample.time <= to) found.push(sample)
    }
  }
  return found.sort((a, b) => a.time - b.time)
}

/** Samples of messages that are not packed yet, in addition to the packed ones. */
export async function samplesBeside(segmentStore: SegmentStore, device: number, metric: string, messages: readonly StoredMessage[]): Promise<Sample[]> {
  const sorted = messages.toSorted((a, b) => a.time - b.time)
  const first = sorted[0]
  return first ? placedSamples(sorted, metric, await packedSamples(segmentStore, device, metric, first.time, Number.MAX_SAFE_INTEGER)) : []
}

/** Packed minutes or hours of a metric that reach into a range. */
export async function packedRollups(segmentStore: SegmentStore, device: number, metric: string, tier: TierName, from: number, to: number): Promise<Rollup[]> {
  const { step, period } = TIERS[tier]
  const rows = await segmentStore.rollups(device, metric, tier, floorTo(from, period), floorTo(to, period))
  return rows.flatMap(data => unpackRollups(data, step)).filter(({ start }) => start + step > from && start <= to)
}

/** Packed messages of a device before a time, newest first: at least `limit`, if there are as many. */
export async function packedBefore(segmentStore: SegmentStore, device: number, before: number, limit: number): Promise<StoredMessage[]> {
  const found: StoredMessage[] = []
  let oldest = Infinity
  for await (const row of segmentStore.segmentsDown(device, before - 1)) {
    // Segments are sorted by their last message: once there are enough messages, only segments that overlap them
    // matter.
    if (found.length >= limit && row.last < oldest) break
    found.push(...readMessages(row.data).filter(({ time }) => time < before))
    oldest = Math.min(oldest, row.first)
  }
  // Of several messages with the same time, the last received is the newest; sorting preserves the order of arrival.
  return found.sort((a, b) => a.time - b.time || a.received - b.received).reverse()
}
