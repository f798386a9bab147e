import { floorTo, HOUR } from '../engine/rollups'
import { readMessages } from '../engine/segments'
import type { StoredMessage } from '../engine/segments'
import { HEADS_PER_PAGE } from '../engine/segment-store'
import type { Readable, SegmentHead } from '../engine/segment-store'
import { nextTurn, startSlice } from '../engine/scheduler'

/** A message of one device. */
export interface ScannedMessage { device: number, message: StoredMessage }

/** All messages measured from `from` to before `to`, in order of time, then of arrival. Microseconds since 1970. */
export interface ScannedRange { to: number, messages: ScannedMessage[] }

export interface RangeScanOptions {
  from: number
  /** Excluded: the range ends before it. */
  until: number
  /** Only these devices; undefined: all. */
  devices: ReadonlySet<number> | undefined
  /** About this many messages are read; then the range ends earlier. */
  most: number
  /** Stops when the client no longer waits for the answer. */
  isWanted: () => boolean
}

/** A segment holds an hour; samples that collided with others may lie slightly after it. */
const SLACK = 1_000_000
/** Up to this many devices are read one by one, more are read by time. */
const FEW_DEVICES = 200

interface Held extends ScannedMessage { order: number }

/** Reads messages of many devices in order, an hour at most at a time, in slices of a few milliseconds. */
export function createRangeScan({ segmentStore, uncompacted }: Pick<Readable, 'segmentStore' | 'uncompacted'>, allDevices: () => Iterable<number>) {
  /** Segments that may hold messages between two times of one hour, in batches. */
  async function* heads(from: number, to: number, devices: ReadonlySet<number> | undefined): AsyncGenerator<readonly SegmentHead[]> {
    if (devices && devices.size <= FEW_DEVICES) {
      for (const device of devices) yield (await segmentStore.heads(device, from, to - 1)).toSorted((a, b) => a.id - b.id)
      return
    }
    const end = floorTo(to - 1, HOUR) + HOUR + SLACK
    for (let after = { last: from - 1, id: Number.MAX_SAFE_INTEGER }, more = true; more;) {
      const page = await segmentStore.headsBehind(after, end)
      yield page.filter(({ device, first }) => first < to && (devices?.has(device) ?? true))
      after = page.at(-1) ?? after
      more = page.length === HEADS_PER_PAGE
    }
  }

  /** The time before which no segment holds a message from `from` on. */
  async function nextPacked(from: number, devices: ReadonlySet<number> | undefined): Promise<number> {
    const ends = devices && devices.size <= FEW_DEVICES
      ? await Promise.all([...devices].map(device => segmentStore.nextEnd(from, device)))
      : [await segmentStore.nextEnd(from)]
    return Math.min(...ends.map(end => end === undefined ? Infinity : Math.max(from, floorTo(end - SLACK, HOUR))))
  }

  return async function read({ from, until, devices, most, isWanted }: RangeScanOptions): Promise<ScannedRange> {
    const window = createWindow(from, Math.min(until, floorTo(from, HOUR) + HOUR), most)
    const pause = createPause(isWanted)
    // A device may be packed while others are read: what was read from its head is not read again from its segments.
    const newestBefore = new Map<number, number>()
    let nextFresh = Infinity
    for (const device of devices ?? allDevices()) {
      if (await pause()) return { to: from, messages: [] }
      const fresh = uncompacted(device)
      if (fresh.length === 0) continue
      newestBefore.set(device, segmentStore.newestId())
      for (const message of fresh) {
        if (message.time >= from) nextFresh = Math.min(nextFresh, message.time)
        window.add(device, message, Infinity)
      }
    }
    for await (const batch of heads(from, window.to(), devices)) {
      const wasThere = ({ id, device }: SegmentHead) => id <= (newestBefore.get(device) ?? Infinity)
      for await (const { id, device, first, data } of segmentStore.fetch(batch.filter(wasThere))) {
        if (await pause()) return { to: from, messages: [] }
        if (first < window.to()) for (const message of readMessages(data)) window.add(device, message, id)
      }
      if (await pause()) return { to: from, messages: [] }
    }
    const messages = window.inOrder()
    // After a long time without messages, the next range begins at the next message.
    const to = messages.length > 0 ? window.to() : Math.min(until, Math.max(window.to(), Math.min(nextFresh, await nextPacked(from, devices))))
    return { to, messages }
  }
}

/** The first messages from a time on: if there are too many, the range ends earlier. */
function createWindow(from: number, end: number, most: number) {
  let held: Held[] = []
  let to = end
  let room = 2 * most

  function cut() {
    held.sort((a, b) => a.message.time - b.message.time)
    const first = held[0]?.message.time ?? from
    // Messages of one microsecond stay together, or the scan would never advance.
    to = Math.max(held[most]?.message.time ?? to, first + 1)
    held = held.filter(({ message }) => message.time < to)
    room = Math.max(2 * most, 2 * held.length)
  }

  return {
    to: () => to,
    add(device: number, message: StoredMessage, order: number) {
      if (message.time < from || message.time >= to) return
      held.push({ device, message, order })
      if (held.length > room) cut()
    },
    inOrder(): ScannedMessage[] {
      return held.sort((a, b) => a.message.time - b.message.time || a.message.received - b.message.received || a.device - b.device || compare(a.order, b.order))
    },
  }
}

/** Infinity is equal to itself, but the difference is NaN. */
function compare(a: number, b: number): number {
  return a === b ? 0 : a < b ? -1 : 1
}

/** Lets other work run when a slice is over; true: nobody waits for the answer any more. */
export function createPause(isWanted: () => boolean): () => false | Promise<boolean> {
  let inTime = startSlice()
  async function rest() {
    await nextTurn()
    inTime = startSlice()
    return !isWanted()
  }
  return () => inTime() ? false : rest()
}
