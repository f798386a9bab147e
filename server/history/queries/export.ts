import { samplesBeside } from '../engine/segment-io'
import { floorTo, HOUR } from '../engine/rollups'
import { readAllSamples } from '../engine/segments'
import type { Readable, SegmentHead, SegmentStore } from '../engine/segment-store'

export type ExportedSample = ReturnType<typeof readAllSamples>[number]

interface Range { from: number, to: number }

/** How many messages of a device lie in a range, and their samples, an hour at a time, in order of time. */
export interface Exported { messages: number, hours: AsyncGenerator<ExportedSample[]> }

/** Microseconds since 1970, both ends included. What is not packed yet is in it: only one replica packs, and any of them is asked. */
export function exportRange({ segmentStore, device, readConsistently }: Readable, deviceId: string, { from, to }: Range): Promise<Exported> {
  const id = device(deviceId) ?? -1
  return readConsistently(id, async (uncompacted) => {
    const heads = await segmentStore.heads(id, from, to)
    const messages = await segmentStore.countMessages(id, from, to) + uncompacted.filter(({ time }) => time >= from && time <= to).length
    const names = new Set(uncompacted.flatMap(({ metrics }) => Object.keys(metrics)))
    const beside: ExportedSample[] = []
    for (const metric of names) {
      for (const sample of await samplesBeside(segmentStore, id, metric, uncompacted)) beside.push({ metric, ...sample })
    }
    return { messages, hours: byHour(segmentStore, heads, beside, { from, to }) }
  })
}

async function* byHour(segmentStore: SegmentStore, heads: readonly SegmentHead[], beside: readonly ExportedSample[], { from, to }: Range): Exported['hours'] {
  const waiting = Map.groupBy(beside.toSorted((a, b) => a.time - b.time), ({ time }) => floorTo(time, HOUR))
  const sorted = (samples: ExportedSample[]) => samples.filter(({ time }) => time >= from && time <= to).sort((a, b) => a.time - b.time)
  let hour = -Infinity
  let samples: ExportedSample[] = []
  for await (const { first, data } of segmentStore.fetch(heads)) {
    const next = floorTo(first, HOUR)
    if (next !== hour) {
      yield sorted([...samples, ...taken(waiting, hour)])
      yield* between(waiting, next, sorted)
      samples = []
      hour = next
    }
    samples.push(...readAllSamples(data))
  }
  yield sorted([...samples, ...taken(waiting, hour)])
  yield* between(waiting, Infinity, sorted)
}

/** What waits of one hour; it is in the map no more. */
function taken(waiting: Map<number, ExportedSample[]>, hour: number): ExportedSample[] {
  const samples = waiting.get(hour) ?? []
  waiting.delete(hour)
  return samples
}

/** The hours before one of which nothing is packed. */
function* between(waiting: Map<number, ExportedSample[]>, end: number, sorted: (samples: ExportedSample[]) => ExportedSample[]) {
  for (const hour of waiting.keys()) {
    if (hour < end) yield sorted(taken(waiting, hour))
  }
}
