// The conventions that are understood. A new one is a folder and a line here.
import { createSensorsSource } from './sensors/sensors'
import { createTasmotaSource } from './tasmota/tasmota'
import { reject } from './source'
import type { Observation, SourceLimits, SourceMaker } from './source'

/** The first that owns a topic reads its messages. The first of all is the application's own: without it nothing is well. */
const CONVENTIONS: readonly [SourceMaker, ...SourceMaker[]] = [createSensorsSource, createTasmotaSource]

export interface Sources {
  /** What must be granted, and what is asked for besides. */
  filters: readonly string[]
  furtherFilters: readonly string[]
  read: (message: { topic: string, payload: Buffer, replayed: boolean }, receivedMs: number) => readonly Observation[]
}

export function createSources(limits: SourceLimits): Sources {
  const [own, ...others] = CONVENTIONS.map(create => create(limits))
  const sources = own ? [own, ...others] : others
  return {
    filters: own?.filters ?? [],
    furtherFilters: others.flatMap(({ filters }) => filters),
    read(message, receivedMs) {
      // An `every` or `find` with a function of its own would cost each message more than this.
      for (const source of sources) if (source.owns(message.topic)) return source.read(message, receivedMs)
      return [reject('topic-unknown', 'No convention is known in which this topic means something.')]
    },
  }
}
