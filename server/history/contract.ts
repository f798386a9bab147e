// Owns what is stored of messages, and every document that other rooms store. Promises: what was committed exists
// after any crash, every accepted message exactly once. Never blocks the event loop for longer than a few
// milliseconds.
import type { HistoryAnswer } from '#shared/schemas/history'
import type { Storage } from '#shared/schemas/storage'
import type { DocumentChange, Documents } from './documents'
import type { Delivery } from './engine/deduplication'
import type { Marks } from './marks'
import type { HistoryReader } from './queries/history-reader'
import type { PresenceLog } from './engine/presence-log'
import type { ExportedSample } from './queries/export'
import type { ChartQuestion, SparklinePoints } from './queries/chart-queries'
import type { RetentionLimits } from './engine/retention-limits'
import type { StoredMessage } from './engine/segments'
import type { Awaitable } from './engine/segment-store'
import type { NewRecord, Restored } from './engine/records'

/** `full`: on disk before every acknowledgement. `normal`: a power cut may take the last moments, a crash of the process nothing. */
export type Durability = 'full' | 'normal'

export interface HistoryOptions {
  durability: Durability
  retention: RetentionLimits
  /** Deliveries that can be under way at once: MQTT's Receive Maximum. */
  unacknowledged: number
  /** The last state of a device as JSON text; it is stored beside the packed messages. */
  stateOf: (deviceId: string) => string | undefined
  /** The store has failed (the reason is a sentence for people), or works again (`null`). */
  onFault: (reason: string | null) => void
  /** What the database holds when it opens. Read it to the end. */
  onOpen: (restored: Restored) => void
  /** Messages that were appended but are not stored: the name of the device of each. */
  onTakenBack?: (deviceIds: readonly string[]) => void
  /** It is open again after a failure, and this is what it holds: the last appended messages may be missing. */
  onReopen?: (restored: Restored) => void
  now?: () => number
  /**
   * The time against which ages are measured before something is deleted, in milliseconds; undefined: the clock
   * cannot be trusted.
   */
  pruneNow?: () => number | undefined
}

/** Figures that are cheap to read at any time; counts since the start. */
export interface HistoryFigures {
  /** Messages in memory and in the journal that are not packed yet. */
  uncompacted: number
  /** Messages appended that are not known to be on disk yet. */
  uncommitted: number
  /** Commits of turns, and how long they took together: until they were on disk, where the caller waits for that. */
  commits: number
  commitSeconds: number
  /** Bytes in use in the database (undefined: not measured yet), and the limit. */
  usedBytes: number | undefined
  limitBytes: number
  /** Time of the oldest message in microseconds since 1970; null: there is none; undefined: not read yet. */
  rawFrom: number | null | undefined
}

export interface History {
  /**
   * Opens the database, at once or later. If that fails, {@link History.fault} gives the reason and {@link
   * History.probe} tries again.
   */
  open: () => Awaitable<void>
  /** Whether this delivery repeats one that is stored already. */
  isStored: (delivery: Delivery) => boolean
  /** Adds a record to what {@link History.commit} commits. @throws when the store fails. */
  append: (record: NewRecord) => void
  /**
   * Commits what was appended. `done` learns whether it is as durable as configured: later, where the disk must be
   * waited for. @throws when the store fails: then nothing since the last commit is stored.
   */
  commit: (done?: (committed: boolean) => void) => void
  /** The broker has lost our session: it will redeliver nothing. */
  forgetDeliveries: () => void
  /** The broker continues our session: redeliveries come first. */
  sessionResumed: () => void
  /**
   * Why nothing can be stored now, or null. A reason holds until {@link History.probe} clears it, even if the store
   * works again earlier.
   */
  fault: () => string | null
  /** Tries to write, or starts to; true when the store works. A later result shows in {@link History.fault}. */
  probe: () => boolean
  isOpen: () => boolean
  /** Every sample of a metric, oldest first, at most `limit`. This and all questions below reject while the history is not open. */
  raw: (question: ChartQuestion, limit: number) => Promise<HistoryAnswer>
  /** About `points` buckets of a metric, or the intervals of a state. */
  thinned: (question: ChartQuestion, points: number) => Promise<HistoryAnswer>
  /** The newest messages before a time, newest first: at least `limit`, if there are as many. */
  messagesBefore: (deviceId: string, before: number, limit: number) => Promise<StoredMessage[]>
  /**
   * The mean of each minute of the hour before `now` (microseconds since 1970), as `[milliseconds since 1970, mean]`,
   * and the minutes without a value.
   */
  sparkline: (deviceId: string, metric: string, now: number) => Promise<SparklinePoints>
  /**
   * Every sample of a device in a range (both ends included), an hour at a time, and about how many messages they
   * come from.
   */
  export: (deviceId: string, from: number, to: number) => Promise<{ messages: number, hours: AsyncIterable<ExportedSample[]> }>
  /** Reads the history of all devices, for exports and replays. */
  reader: () => HistoryReader
  /** Which presence each device had when. */
  presence: PresenceLog
  /** What other rooms store beside it; empty and read-only while the history is not open. */
  documents: Documents
  /** Numbers that belong to the installation. */
  marks: Marks
  /**
   * Deletes a device and writes documents in the same transaction. `done` is called as soon as nothing is stored
   * under its name any more; the rest is deleted in the background. @throws an Error that can be shown to a client;
   * nothing has changed then.
   */
  forget: (deviceId: string, changes: readonly DocumentChange[], done: () => void) => Promise<void>
  /** Packs everything, or one device, now. */
  packAll: (deviceId?: string) => Awaitable<void>
  /** Prunes and counts now, instead of within the next minute. */
  maintain: () => Promise<void>
  /** What is stored, and how many bytes it takes. */
  storage: () => Promise<Storage>
  /** Undefined while it is not open. @throws when the store does. */
  figures: () => HistoryFigures | undefined
  /** Writes what can be written, and closes the database. */
  close: () => Awaitable<void>
}
