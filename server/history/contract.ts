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
  /** The last state of a device as JSON text; it is kept beside the packed messages. */
  stateOf: (deviceId: string) => string | undefined
  /** The store has failed (with the reason in words), or is well again (`null`). */
  onFault: (reason: string | null) => void
  /** What the database holds, on opening; to be read to the end. */
  onOpen: (restored: Restored) => void
  /** Messages that were appended and are not stored after all: a name for each. */
  onTakenBack?: (deviceIds: readonly string[]) => void
  /** It is open once more after a failure, and this is what is stored: what was appended last may be missing. */
  onReopen?: (restored: Restored) => void
  now?: () => number
  /** The time against which ages are measured before something is deleted, in milliseconds; undefined: it is not to be trusted. */
  pruneNow?: () => number | undefined
}

/** What is cheap to know of an open history at any time; counts since the start. */
export interface HistoryFigures {
  /** Messages in memory and in the journal that are not packed yet. */
  uncompacted: number
  /** Messages appended that are not known to be on disk yet. */
  uncommitted: number
  /** Commits of turns, and how long they took together: until they were on disk, where somebody waits for that. */
  commits: number
  commitSeconds: number
  /** What is in use in the database (undefined: it has not been looked at yet), and what that may be. */
  usedBytes: number | undefined
  limitBytes: number
  /** Time of the oldest message in microseconds since 1970; null or undefined: there is none, or it has not been looked for yet. */
  rawFrom: number | null | undefined
}

export interface History {
  /** Opens the database, at once or later; where that fails, {@link History.fault} says why and {@link History.probe} tries again. */
  open: () => Awaitable<void>
  /** Whether a delivery is the repetition of one that is stored already. */
  isStored: (delivery: Delivery) => boolean
  /** Adds a record to what {@link History.commit} commits. @throws when the store fails. */
  append: (record: NewRecord) => void
  /**
   * Commits what was appended, and tells `done` whether it is as durable as was asked for: later, where the disk has to be
   * waited for. @throws when the store fails: then nothing since the last commit is kept.
   */
  commit: (done?: (kept: boolean) => void) => void
  /** The broker has forgotten our session: nothing will be redelivered. */
  forgetDeliveries: () => void
  /** The broker goes on with our session: repetitions come first. */
  sessionResumed: () => void
  /** Why nothing can be stored at the moment, or null. Once there is a reason it holds until {@link History.probe} says otherwise, however well the store is. */
  fault: () => string | null
  /** Tries to write, or has begun to; true when the store is well (again). Later it is found by asking for the {@link History.fault}. */
  probe: () => boolean
  isOpen: () => boolean
  /** Every sample of a metric, oldest first, at most `limit`. This and all questions below reject while the history is not open. */
  raw: (question: ChartQuestion, limit: number) => Promise<HistoryAnswer>
  /** About `points` buckets of a metric, or the intervals of a state. */
  thinned: (question: ChartQuestion, points: number) => Promise<HistoryAnswer>
  /** The newest messages from before a moment, newest first: at least `limit` where there are as many. */
  messagesBefore: (deviceId: string, before: number, limit: number) => Promise<StoredMessage[]>
  /**
   * The mean of each minute of the hour before `now` (microseconds since 1970), as `[milliseconds since 1970, mean]`, and
   * where there was none.
   */
  sparkline: (deviceId: string, metric: string, now: number) => Promise<SparklinePoints>
  /** Every sample of a device in a range (both ends included), an hour at a time, and about how many messages they come from. */
  export: (deviceId: string, from: number, to: number) => Promise<{ messages: number, hours: AsyncIterable<ExportedSample[]> }>
  /** The past of all devices, for whoever goes through it. */
  past: () => HistoryReader
  /** What each device was when. */
  presence: PresenceLog
  /** What other rooms keep beside it; empty, and not to be written, while the history is not open. */
  documents: Documents
  /** What the installation keeps of itself. */
  marks: Marks
  /**
   * Forgets a device and writes documents in the same transaction; `done` is told at once when nothing is there under its name
   * any more. What it leaves is deleted in the background. @throws an Error fit to show, and then nothing has changed.
   */
  forget: (deviceId: string, changes: readonly DocumentChange[], done: () => void) => Promise<void>
  /** Packs everything, or one device, now. */
  packAll: (deviceId?: string) => Awaitable<void>
  /** Prunes and counts now instead of within the minute. */
  maintain: () => Promise<void>
  /** What is kept and what it costs. */
  storage: () => Promise<Storage>
  /** Undefined while it is not open. @throws when the store does. */
  figures: () => HistoryFigures | undefined
  /** Keeps what can be kept, and lets go of the database. */
  close: () => Awaitable<void>
}
