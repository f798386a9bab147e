// The conventions that are understood. A new one is a folder and a line here.
import { createSensorsSource } from './sensors/sensors'
import { createTasmotaSource } from './tasmota/tasmota'
import { reject } from './source'
import type { Source, SourceLimits, SourceMaker } from './source'

/** The first that owns a topic reads its messages. The first of all is the application's own: without it nothing is well. */
const CONVENTIONS: readonly [SourceMaker, ...SourceMaker[]] = [createSensorsSource, createTasmotaSource]

export interface Sources extends Pick<Source, 'filters' | 'read'> {
  /** What is asked for besides: it need not be granted. */
  furtherFilters: readonly string[]
}

export function createSources(limits: SourceLimits): Sources {
  const [createOwn, ...createOthers] = CONVENTIONS
  const own = createOwn(limits)
  const others = createOthers.map(create => create(limits))
  const sources = [own, ...others]
  return {
    filters: own.filters,
    furtherFilters: others.flatMap(({ filters }) => filters),
    read(message, receivedMs) {
      for (const source of sources) if (source.owns(message.topic)) return source.read(message, receivedMs)
      return [reject('topic-unknown', 'No convention is known in which this topic means something.')]
    },
  }
}
