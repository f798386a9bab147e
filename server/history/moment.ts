import type { DatabaseSync } from 'node:sqlite'
import type { Archive } from './archive'
import { floorTo, MINUTE, TIERS } from './rollups'
import { readMessages } from './segments'
import type { Sample, StoredMessage } from './segments'

/** A device as its stored messages leave it at a moment. Times in microseconds since 1970. */
export interface DeviceMoment {
  /** The newest message. */
  last: StoredMessage
  /** The newest value of every metric. */
  values: ReadonlyMap<string, Sample>
  /** Whether the last message that named a time of its own named one that could not be believed. */
  wrongClock: boolean
  /** When the newest messages were measured, in order: from these follows how often the device speaks. */
  times: readonly number[]
}

/** So many messages say how often a device speaks; no more segments are read for more of them. */
const ENOUGH_MESSAGES = 30
const MOST_SEGMENTS = 6

/** Looks up single devices at a moment; reads what lies right before it, and per metric that is missing there one minute. */
export function createMoments(database: DatabaseSync, archive: Archive, unpacked: (device: number) => readonly StoredMessage[]) {
  const segments = database.prepare('SELECT id, first, last, data FROM segment WHERE device = ? AND first <= ? ORDER BY last DESC')
  const seriesOf = database.prepare('SELECT id, metric FROM series WHERE device = ?')
  const dayBefore = database.prepare('SELECT max(period) AS period FROM rollup WHERE series = ? AND tier = ? AND period <= ?')

  /**
   * The newest messages in order of time, and of arrival where that is the same; those not packed yet that are older than some
   * that were not read are `stray`.
   */
  function newestMessages(device: number, at: number): { messages: StoredMessage[], stray: StoredMessage[] } {
    const fresh = unpacked(device).filter(({ time }) => time <= at)
    const parts: { id: number, messages: readonly StoredMessage[] }[] = []
    // Up to here not everything was read.
    let horizon = -Infinity
    for (const { id, last, data } of segments.iterate(device, at)) {
      const complete = count(fresh, Number(last)) + parts.reduce((sum, { messages }) => sum + count(messages, Number(last)), 0)
      if (complete >= ENOUGH_MESSAGES || (complete > 0 && parts.length >= MOST_SEGMENTS)) {
        horizon = Number(last)
        break
      }
      if (data instanceof Uint8Array) parts.push({ id: Number(id), messages: readMessages(data).filter(({ time }) => time <= at) })
    }
    const packed = parts.sort((a, b) => a.id - b.id).flatMap(({ messages }) => messages)
    const messages = [...packed, ...fresh].filter(({ time }) => time > horizon)
    return { messages: inOrder(messages), stray: inOrder(fresh.filter(({ time }) => time <= horizon)) }
  }

  /** The newest sample of a metric that lies further back, found by the minutes. */
  function olderSample(device: number, series: number, metric: string, at: number): Sample | undefined {
    const { id, period } = TIERS.minute
    for (let before = at; ;) {
      const day = dayBefore.get(series, id, floorTo(before, period))?.period
      if (typeof day !== 'number') return undefined
      for (const { start } of archive.rollups(series, 'minute', day, Math.min(before, day + period - 1)).reverse()) {
        const sample = archive.samples(device, metric, start, Math.min(at, start + MINUTE - 1)).at(-1)
        if (sample) return sample
        // A whole minute without its samples: from here on back they are not kept any more.
        if (start + MINUTE <= at) return undefined
      }
      before = day - 1
    }
  }

  /** What was stored of a device up to a moment, that included; undefined: nothing. */
  return function momentOf(device: number, at: number): DeviceMoment | undefined {
    const { messages, stray } = newestMessages(device, at)
    const last = messages.at(-1)
    if (!last) return undefined
    const values = newestValues(messages)
    const strays = newestValues(stray)
    const series = new Map(seriesOf.all(device).map(({ id, metric }) => [String(metric), Number(id)]))
    for (const metric of new Set([...series.keys(), ...strays.keys()])) {
      if (values.has(metric)) continue
      const id = series.get(metric)
      const packed = id === undefined ? undefined : olderSample(device, id, metric, at)
      const found = newer(packed, strays.get(metric))
      if (found) values.set(metric, found)
    }
    const dated = messages.findLast(({ time, received, claimedTs }) => claimedTs !== undefined || time !== received)
    return { last, values, wrongClock: dated?.claimedTs !== undefined, times: messages.map(({ time }) => time) }
  }
}

/** How many are newer. */
function count(messages: readonly StoredMessage[], time: number): number {
  return messages.reduce((sum, message) => sum + Number(message.time > time), 0)
}

function inOrder(messages: StoredMessage[]): StoredMessage[] {
  return messages.sort((a, b) => a.time - b.time)
}

/** Per metric, of messages in order of time. */
function newestValues(messages: readonly StoredMessage[]): Map<string, Sample> {
  const values = new Map<string, Sample>()
  for (const { time, metrics } of messages) {
    for (const name in metrics) {
      const value = metrics[name]
      if (value !== undefined) values.set(name, { time, value })
    }
  }
  return values
}

function newer(a: Sample | undefined, b: Sample | undefined): Sample | undefined {
  return a && b ? (a.time > b.time ? a : b) : a ?? b
}
