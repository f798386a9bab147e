// What lies packed in a database, as questions: SQLite answers them at once, PostgreSQL later. Times in microseconds since 1970.
import type { TierName } from './rollups'
import type { StoredMessage } from './segments'

export type Awaitable<T> = T | Promise<T>

/** A run of packed messages of one device; `id` grows with every packing. */
export interface SegmentHead { id: number, device: number, first: number, last: number }
export interface SegmentRow extends SegmentHead { data: Uint8Array }

/** In portions, so that whoever has enough stops. */
type Rows<T> = Iterable<T> | AsyncIterable<T>

export interface SegmentStore {
  /** Those of a device that reach into a range, both ends included, in order of packing. */
  segments: (device: number, from: number, to: number) => Awaitable<readonly SegmentRow[]>
  /** Those of a device that begin up to a moment, the one that ends last first. */
  segmentsDown: (device: number, moment: number) => Rows<SegmentRow>
  /** Heads of those of a device that reach into a range, by their begin. */
  heads: (device: number, from: number, to: number) => Awaitable<readonly SegmentHead[]>
  /** Heads of all devices behind one (by end, then id), up to an end, by end: at most {@link HEADS_PER_PAGE}. */
  headsBehind: (after: Pick<SegmentHead, 'last' | 'id'>, end: number) => Awaitable<readonly SegmentHead[]>
  /** What some of them hold, in the same order; one that is gone is left out. */
  fetch: (heads: readonly SegmentHead[]) => Rows<SegmentRow>
  /** When the next of them ends from a moment on, of all devices or one. */
  nextEnd: (from: number, device?: number) => Awaitable<number | undefined>
  /** When the first messages begin; those that come out of order are near the one that ends first. */
  earliest: () => Awaitable<number | undefined>
  /** Everything up to this id is in the answers from now on, and what is packed later has a greater one. */
  newestId: () => number
  countMessages: (device: number, from: number, to: number) => Awaitable<number>
  metrics: (device: number) => Awaitable<readonly string[]>
  /** Packed minutes or hours of a metric whose periods begin in a range, in order. */
  rollups: (device: number, metric: string, tier: TierName, fromPeriod: number, toPeriod: number) => Awaitable<readonly Uint8Array[]>
  /** The last period up to a moment in which there are minutes. */
  lastMinutes: (device: number, metric: string, upTo: number) => Awaitable<number | undefined>
}

export const HEADS_PER_PAGE = 200

/** A segment store with what belongs to it, for questions about devices by their names. */
export interface Readable {
  segmentStore: SegmentStore
  /** Before it nothing of a tier is kept any more. */
  kept: { raw: number, minute: number }
  device: (deviceId: string) => number | undefined
  uncompacted: (device: number) => readonly StoredMessage[]
  /**
   * Reads of a device with what is not packed of it: again, when that was packed meanwhile, so that no message is in the answer
   * twice, or not at all.
   */
  readConsistently: <T>(device: number, read: (uncompacted: readonly StoredMessage[]) => Promise<T>) => Promise<T>
}

/** Where one packing reads and puts what it changes; all of it in the transaction that is open. */
export interface CompactionStore {
  /** Whether a segment of a device may reach a moment, or lie behind it up to another. */
  reaches: (device: number, from: number, to: number) => boolean
  segments: (device: number, from: number, to: number) => readonly Uint8Array[]
  /** `received`: when the last of its messages arrived. */
  putSegment: (segment: Omit<SegmentRow, 'id'> & { received: number }, messages: number) => void
  rollup: (device: number, metric: string, tier: TierName, period: number) => Uint8Array | undefined
  putRollup: (device: number, metric: string, tier: TierName, period: number, data: Uint8Array) => void
}
