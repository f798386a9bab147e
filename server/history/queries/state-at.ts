import { packedRollups, packedSamples } from '../engine/segment-io'
import { floorTo, MINUTE, TIERS } from '../engine/rollups'
import { readMessages } from '../engine/segments'
import type { Sample, StoredMessage } from '../engine/segments'
import type { Readable } from '../engine/segment-store'

/** The state of a device at a time, from its stored messages. Times in microseconds since 1970. */
export interface DeviceStateAt {
  /** The newest message. */
  last: StoredMessage
  /** The newest value of every metric. */
  values: ReadonlyMap<string, Sample>
  /** Whether the last message with a time of its own had an impossible time. */
  wrongClock: boolean
  /** When the newest messages were measured, in order: the reporting interval follows from these. */
  times: readonly number[]
}

/** This many messages are enough to know the reporting interval; no more segments are read for it. */
const ENOUGH_MESSAGES = 30
const MOST_SEGMENTS = 6

/**
 * Reads single devices at a time: the messages right before it, and one minute for each metric that is missing in
 * them.
 */
export function createStateAt({ segmentStore, readConsistently }: Pick<Readable, 'segmentStore' | 'readConsistently'>) {
  /**
   * The newest messages in order of time, then of arrival. `stray` are messages that are not packed yet and older
   * than some that were not read.
   */
  async function newestMessages(device: number, at: number, uncompacted: readonly StoredMessage[]): Promise<{ messages: StoredMessage[], stray: StoredMessage[] }> {
    const fresh = uncompacted.filter(({ time }) => time <= at)
    const parts: { id: number, messages: readonly StoredMessage[] }[] = []
    // Before this time not everything was read.
    let horizon = -Infinity
    for await (const { id, last, data } of segmentStore.segmentsDown(device, at)) {
      const complete = count(fresh, last) + parts.reduce((sum, { messages }) => sum + count(messages, last), 0)
      if (complete >= ENOUGH_MESSAGES || (complete > 0 && parts.length >= MOST_SEGMENTS)) {
        horizon = last
        break
      }
      parts.push({ id, messages: readMessages(data).filter(({ time }) => time <= at) })
    }
    const packed = parts.sort((a, b) => a.id - b.id).flatMap(({ messages }) => messages)
    const messages = [...packed, ...fresh].filter(({ time }) => time > horizon)
    return { messages: inOrder(messages), stray: inOrder(fresh.filter(({ time }) => time <= horizon)) }
  }

  /** The newest sample of a metric that lies further back, found through the minutes. */
  async function olderSample(device: number, metric: string, at: number): Promise<Sample | undefined> {
    const { period } = TIERS.minute
    for (let before = at; ;) {
      const day = await segmentStore.lastMinutes(device, metric, floorTo(before, period))
      if (day === undefined) return undefined
      const minutes = await packedRollups(segmentStore, device, metric, 'minute', day, Math.min(before, day + period - 1))
      for (const { start } of minutes.reverse()) {
        const sample = (await packedSamples(segmentStore, device, metric, start, Math.min(at, start + MINUTE - 1))).at(-1)
        if (sample) return sample
        // A whole minute without samples: before this time the messages are pruned.
        if (start + MINUTE <= at) return undefined
      }
      before = day - 1
    }
  }

  async function read(device: number, at: number, uncompacted: readonly StoredMessage[]): Promise<DeviceStateAt | undefined> {
    const { messages, stray } = await newestMessages(device, at, uncompacted)
    const last = messages.at(-1)
    if (!last) return undefined
    const values = newestValues(messages)
    const strays = newestValues(stray)
    for (const metric of new Set([...await segmentStore.metrics(device), ...strays.keys()])) {
      if (values.has(metric)) continue
      const found = newer(await olderSample(device, metric, at), strays.get(metric))
      if (found) values.set(metric, found)
    }
    const dated = messages.findLast(({ time, received, claimedTs }) => claimedTs !== undefined || time !== received)
    return { last, values, wrongClock: dated?.claimedTs !== undefined, times: messages.map(({ time }) => time) }
  }

  /** What was stored of a device up to and including a time; undefined: nothing. */
  return (device: number, at: number): Promise<DeviceStateAt | undefined> => readConsistently(device, uncompacted => read(device, at, uncompacted))
}

/** How many messages are newer. */
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
