// Queries for packed data: SQLite answers at once, PostgreSQL later. Times in microseconds since 1970.
import type { TierName } from './rollups'
import type { StoredMessage } from './segments'

export type Awaitable<T> = T | Promise<T>

/** A run of packed messages of one device; `id` grows with every packing. */
export interface SegmentHead { id: number, device: number, first: number, last: number }
export interface SegmentRow extends SegmentHead { data: Uint8Array }

/** In batches, so that a reader can stop early. */
type Rows<T> = Iterable<T> | AsyncIterable<T>

export interface SegmentStore {
  /** Segments of a device that overlap a range, both ends included, in order of packing. */
  segments: (device: number, from: number, to: number) => Awaitable<readonly SegmentRow[]>
  /** Segments of a device that begin up to a time, the one that ends last first. */
  segmentsDown: (device: number, time: number) => Rows<SegmentRow>
  /** Heads of the segments of a device that overlap a range, by their begin. */
  heads: (device: number, from: number, to: number) => Awaitable<readonly SegmentHead[]>
  /**
   * Heads of the segments of all devices after a given one (by end, then id), up to an end, by end: at most {@link
   * HEADS_PER_PAGE}.
   */
  headsBehind: (after: Pick<SegmentHead, 'last' | 'id'>, end: number) => Awaitable<readonly SegmentHead[]>
  /** The contents of some of them, in the same order; a deleted one is left out. */
  fetch: (heads: readonly SegmentHead[]) => Rows<SegmentRow>
  /** The next end of a segment from a time on, of all devices or of one. */
  nextEnd: (from: number, device?: number) => Awaitable<number | undefined>
  /** When the first messages begin; messages that are out of order are near the segment that ends first. */
  earliest: () => Awaitable<number | undefined>
  /** The answers contain everything up to this id from now on; what is packed later has a greater id. */
  newestId: () => number
  countMessages: (device: number, from: number, to: number) => Awaitable<number>
  metrics: (device: number) => Awaitable<readonly string[]>
  /** Packed minutes or hours of a metric whose periods begin in a range, in order. */
  rollups: (device: number, metric: string, tier: TierName, fromPeriod: number, toPeriod: number) => Awaitable<readonly Uint8Array[]>
  /** The last period up to a time that has minutes. */
  lastMinutes: (device: number, metric: string, upTo: number) => Awaitable<number | undefined>
}

export const HEADS_PER_PAGE = 200

/** A segment store and what queries by device name need beside it. */
export interface Readable {
  segmentStore: SegmentStore
  /** Each tier exists only from these times on. */
  retained: { raw: number, minute: number }
  device: (deviceId: string) => number | undefined
  uncompacted: (device: number) => readonly StoredMessage[]
  /**
   * Reads a device together with its messages that are not packed yet. If those were packed meanwhile, it reads
   * again: no message is in the answer twice, and none is missing.
   */
  readConsistently: <T>(device: number, read: (uncompacted: readonly StoredMessage[]) => Promise<T>) => Promise<T>
}

/** Where one packing reads and writes; everything happens in the open transaction. */
export interface CompactionStore {
  /** Whether a segment of a device may contain one time, or lie between it and another. */
  reaches: (device: number, from: number, to: number) => boolean
  segments: (device: number, from: number, to: number) => readonly Uint8Array[]
  /** `received`: when the last of its messages arrived. */
  putSegment: (segment: Omit<SegmentRow, 'id'> & { received: number }, messages: number) => void
  rollup: (device: number, metric: string, tier: TierName, period: number) => Uint8Array | undefined
  putRollup: (device: number, metric: string, tier: TierName, period: number, data: Uint8Array) => void
}
