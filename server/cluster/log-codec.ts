// The format of the log that all replicas write and read: the journal's batches (`../history/sqlite/journal.ts`), with
// notes between replicas beside the messages. A commit of a batch locks the row `head`, so ids are in the order of
// commits.
import type { DeviceStatusChange, PresenceChange } from '#shared/schemas/device'
import type { Telemetry } from '#shared/schemas/telemetry'

/** Notes from one replica to the others. */
export interface Notes {
  /** The presence of a device, decided by the leader. */
  presence: PresenceChange
  /** A document was written or deleted. */
  document: { kind: string, name: string }
  /**
   * Messages were packed into segments: the newest segment, and per device up to which record and how many messages.
   */
  packed: { newest: number, devices: [device: number, lastId: number, messages: number][] }
  /** Each tier exists only from these times on. */
  retained: { raw: number, minute: number, hour: number }
  /** A deleted device: its number is not used again. */
  forgotten: { deviceId: string }
  /** A replayed message without a time of its own: it fills the last value and is not a sample. */
  replayed: Telemetry
}
export type NoteKind = keyof Notes

interface Kinds extends Notes { telemetry: Telemetry, status: DeviceStatusChange }
export type EntryKind = keyof Kinds

const CODES = {
  telemetry: 0,
  status: 1,
  presence: 2,
  document: 3,
  packed: 4,
  retained: 5,
  forgotten: 6,
  replayed: 7,
} as const satisfies Record<EntryKind, number>
type Entry = { [K in EntryKind]: [device: number, code: typeof CODES[K], bytes: number, value: Kinds[K]] }[EntryKind]

/** One record: `device` is 0 if it is about none, `bytes` the size of a payload, `text` the value as JSON. */
export type LogRecord = { id: number, device: number, bytes: number, text: string } & { [K in EntryKind]: { kind: K, value: Kinds[K] } }[EntryKind]

/** JSON text contains no line break: here a batch can be cut into the texts of its records. */
const BETWEEN = ',\n'

export function writeEntry(device: number, kind: EntryKind, bytes: number, text: string): string {
  return `[${device},${CODES[kind]},${bytes},${text}]`
}

export function joinEntries(entries: readonly string[]): string {
  return `[${entries.join(BETWEEN)}]`
}

/** The records of a batch that ends with the record `last`. */
export function readLog(last: number, body: string): LogRecord[] {
  const entries: Entry[] = JSON.parse(body)
  const texts = body.slice(1, -1).split(BETWEEN)
  // Written by an application without replicas, which does not need the texts.
  const isCut = texts.length === entries.length
  const first = last - entries.length + 1
  return entries.map((entry, i) => toRecord(first + i, entry, isCut ? textOf(texts[i] ?? '') : JSON.stringify(entry[3])))
}

function textOf(entry: string): string {
  let at = 0
  for (let commas = 0; commas < 3; commas++) at = entry.indexOf(',', at) + 1
  return entry.slice(at, -1)
}

function toRecord(id: number, entry: Entry, text: string): LogRecord {
  const [device, code, bytes] = entry
  const head = { id, device, bytes, text }
  switch (code) {
    case CODES.status: return { ...head, kind: 'status', value: entry[3] }
    case CODES.presence: return { ...head, kind: 'presence', value: entry[3] }
    case CODES.document: return { ...head, kind: 'document', value: entry[3] }
    case CODES.packed: return { ...head, kind: 'packed', value: entry[3] }
    case CODES.retained: return { ...head, kind: 'retained', value: entry[3] }
    case CODES.forgotten: return { ...head, kind: 'forgotten', value: entry[3] }
    case CODES.replayed: return { ...head, kind: 'replayed', value: entry[3] }
    default: return { ...head, kind: 'telemetry', value: entry[3] }
  }
}
