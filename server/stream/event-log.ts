import { randomBytes } from 'node:crypto'
import { z } from 'zod'
import type { Labels } from '#shared/device/device-scope'

const LabelsSchema = z.array(z.string().nullable())

const LIVE_TYPES = ['telemetry', 'state', 'presence', 'states', 'broker', 'device', 'forgotten', 'withdrawn'] as const
export type LiveType = typeof LIVE_TYPES[number]

/**
 * An event with its data as JSON text, encoded once for all. `moved`: where the device of a `device` event was and
 * is.
 */
export interface LiveEvent { n: number, type: LiveType, deviceId: string | undefined, data: string, moved: Move | undefined }

export interface Move { from: Labels, to: Labels }

/** Whether an event is part of its device's state, so that the latest state replaces it. */
export function isOfState({ type }: LiveEvent): boolean {
  return type === 'telemetry' || type === 'state' || type === 'presence' || type === 'states'
}

/** Whether only clients with extended streams get it. */
export function isAddition({ type }: LiveEvent): boolean {
  return type === 'device'
}

/** Events of one key replace each other for a client that gets only the latest. No deviceId contains a slash. */
export function keyOf(event: LiveEvent): string {
  // Whether a device is deleted or back again is what its last event says.
  const type = event.type === 'withdrawn' ? 'device' : event.type
  return isOfState(event) ? event.deviceId ?? '' : `${type}/${event.deviceId ?? ''}`
}

/** The events after one that a client names; or why they are not available. */
export type Missed = { events: readonly LiveEvent[] } | { reason: 'too-old' | 'restarted' }

/**
 * Events of one turn as bytes outside the heap: a second of them as objects would cost the garbage collector more
 * than their ingest.
 */
interface Turn { last: number, bytes: Buffer }

/** This many dropped turns may stay at the front before they are removed. */
const SPARE_TURNS = 1_000

/** Event numbers from outside: several servers give the same events the same numbers. */
export interface Numbering {
  /** The same for all of these servers, and for no others. */
  epoch: () => string
  /** The number of the record that is being published. */
  current: () => number
}

/** Numbers events and stores the last of them, within a limit of bytes, for clients that reconnect. */
export function createEventLog(budget: number, numbering?: Numbering) {
  // Ids of another start of the server are recognised by this.
  const start = randomBytes(6).toString('base64url')
  const epoch = numbering?.epoch ?? (() => start)
  let turns: Turn[] = []
  let head = 0
  let held = 0
  let last = 0
  /** No event up to this one is stored. */
  let forgotten = 0

  function numberOf(id: string): number {
    const [start, number] = id.split('.')
    const n = Number(number)
    return start === epoch() && Number.isSafeInteger(n) && n >= 0 ? n : NaN
  }

  return {
    number(type: LiveType, deviceId: string | undefined, data: string, moved?: Move): LiveEvent {
      last = numbering ? Math.max(last, numbering.current()) : last + 1
      return { n: last, type, deviceId, data, moved }
    },
    /** Events begin after a number. */
    begin(n: number) {
      last = forgotten = n
    },
    /** Everything up to a number has been published; it need not be an event. */
    passed(n: number) {
      last = Math.max(last, n)
    },
    /** Stores the events of a turn, at least one, in order. */
    add(events: readonly LiveEvent[]) {
      const bytes = Buffer.from(events.map(toLine).join('\n'))
      turns.push({ last: events.at(-1)?.n ?? last, bytes })
      held += bytes.length
      while (held > budget && head < turns.length) {
        const oldest = turns[head++]
        held -= oldest?.bytes.length ?? 0
        forgotten = oldest?.last ?? forgotten
      }
      if (head <= SPARE_TURNS && head < turns.length) return
      turns = turns.slice(head)
      head = 0
    },
    last: () => last,
    idOf: (n: number) => `${epoch()}.${n}`,
    /** The number in an id; NaN: the id is not from this server. */
    numberOf,
    after(id: string): Missed {
      const n = numberOf(id)
      if (!(n <= last)) return { reason: 'restarted' }
      if (n < forgotten) return { reason: 'too-old' }
      return { events: turns.slice(head).filter(turn => turn.last > n).flatMap(readTurn).filter(event => event.n > n) }
    },
  }
}
export type EventLog = ReturnType<typeof createEventLog>

/** JSON text contains neither tabs nor line breaks. */
function toLine({ n, type, deviceId, data, moved }: LiveEvent): string {
  const line = `${n}\t${type}\t${deviceId === undefined ? '' : JSON.stringify(deviceId)}\t${data}`
  return moved ? `${line}\t${JSON.stringify([moved.from.group, moved.from.place, moved.to.group, moved.to.place])}` : line
}

function readTurn({ bytes }: Turn): LiveEvent[] {
  return bytes.toString().split('\n').map((line) => {
    const [n, type = '', deviceId = '', data = '', moved] = line.split('\t')
    return { n: Number(n), type: isLiveType(type) ? type : 'telemetry', deviceId: deviceId === '' ? undefined : String(JSON.parse(deviceId)), data, moved: moved === undefined ? undefined : readMove(moved) }
  })
}

function readMove(text: string): Move {
  const [fromGroup, fromPlace, toGroup, toPlace] = LabelsSchema.parse(JSON.parse(text)).map(label => label ?? undefined)
  return { from: { group: fromGroup, place: fromPlace }, to: { group: toGroup, place: toPlace } }
}

function isLiveType(type: string): type is LiveType {
  return LIVE_TYPES.some(known => known === type)
}
