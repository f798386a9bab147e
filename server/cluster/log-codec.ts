// The log that all replicas write and follow: the journal's batches (`../history/journal.ts`), in which there stands beside the
// messages what replicas tell each other. Whoever commits a batch has the row `head` locked: ids are in the order of commits.
import type { DeviceStatusChange, PresenceChange } from '#shared/schemas/device'
import type { Telemetry } from '#shared/schemas/telemetry'

/** What a replica tells the others. */
export interface Notes {
  /** What the replica that leads has found of a device. */
  presence: PresenceChange
  /** A document was written or deleted. */
  document: { kind: string, name: string }
  /** Messages lie in segments now, the newest of which is named: per device, up to which record, and how many they are. */
  packed: { newest: number, devices: [device: number, lastId: number, messages: number][] }
  /** Before these times nothing of a tier is kept any more. */
  kept: { raw: number, minute: number, hour: number }
  /** A device whose number means nobody from now on. */
  forgotten: { deviceId: string }
  /** A replayed message that says nothing about when: it fills the last value and is no sample. */
  replayed: Telemetry
}
export type NoteKind = keyof Notes

interface Kinds extends Notes { telemetry: Telemetry, status: DeviceStatusChange }
export type EntryKind = keyof Kinds

const CODES = { telemetry: 0, status: 1, presence: 2, document: 3, packed: 4, kept: 5, forgotten: 6, replayed: 7 } as const satisfies Record<EntryKind, number>
type Entry = { [K in EntryKind]: [device: number, code: typeof CODES[K], bytes: number, value: Kinds[K]] }[EntryKind]

/** One record: `device` is 0 where it is about none, `bytes` the size of a payload, `text` the value as JSON. */
export type LogRecord = { id: number, device: number, bytes: number, text: string } & { [K in EntryKind]: { kind: K, value: Kinds[K] } }[EntryKind]

/** JSON text holds no line break: at these a batch can be cut into the texts of its records. */
const BETWEEN = ',\n'

export function writeEntry(device: number, kind: EntryKind, bytes: number, text: string): string {
  return `[${device},${CODES[kind]},${bytes},${text}]`
}

export function joinEntries(entries: readonly string[]): string {
  return `[${entries.join(BETWEEN)}]`
}

/** The records of a batch that ends with the one of id `last`. */
export function readLog(last: number, body: string): LogRecord[] {
  const entries: Entry[] = JSON.parse(body)
  const texts = body.slice(1, -1).split(BETWEEN)
  // Written by an application without replicas, which has no use for the texts.
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
    case CODES.kept: return { ...head, kind: 'kept', value: entry[3] }
    case CODES.forgotten: return { ...head, kind: 'forgotten', value: entry[3] }
    case CODES.replayed: return { ...head, kind: 'replayed', value: entry[3] }
    default: return { ...head, kind: 'telemetry', value: entry[3] }
  }
}
