// Owns the metrics for a monitoring system (Prometheus text format). Promises that they cost nothing per message, for
// everything is read on request, and that no response grows with the number of devices. Never counts anything itself.
import { collectDefaultMetrics, Counter, Gauge, Registry } from 'prom-client'
import { DEFINITIONS } from './definitions'
import type { Definition } from './definitions'
import type { Figures } from './figures'

/** How often the event loop is looked at, which is part of each figure; ten times as often would be felt on an idle machine. */
const EVENT_LOOP_EVERY_MS = 50
/** Named like counters, but they are none; and counting each socket costs more than it is worth. */
const UNWANTED = ['handles', 'requests', 'resources'].flatMap(what => [`nodejs_active_${what}`, `nodejs_active_${what}_total`])

export interface Metrics {
  contentType: string
  text: () => Promise<string>
}

/** The event loop is measured only from now on: without requests it costs nothing. */
export function createMetrics(read: () => Promise<Figures>): Metrics {
  const registry = new Registry()
  let figures: Figures | undefined
  for (const definition of DEFINITIONS) define(registry, definition, () => figures)
  collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: EVENT_LOOP_EVERY_MS })
  for (const name of UNWANTED) registry.removeSingleMetric(name)
  return {
    contentType: registry.contentType,
    async text() {
      figures = await read()
      return registry.metrics()
    },
  }
}

function define(registry: Registry, { kind, name, help, label, read }: Definition, now: () => Figures | undefined) {
  const configuration = { name, help, labelNames: label === undefined ? [] : [label], registers: [registry] }

  function values(): [labels: Record<string, string>, value: number][] {
    const figures = now()
    const found = figures && read(figures)
    if (found === undefined) return []
    if (typeof found === 'number') return [[{}, found]]
    return Object.entries(found).map(([key, value]) => [{ [label ?? '']: key }, value])
  }

  if (kind === 'gauge') {
    const gauge = new Gauge({
      ...configuration,
      collect() {
        empty(gauge, label)
        for (const [labels, value] of values()) gauge.set(labels, value)
      },
    })
    return
  }
  const counter = new Counter({
    ...configuration,
    collect() {
      empty(counter, label)
      for (const [labels, value] of values()) counter.inc(labels, value)
    },
  })
}

/** Without a label a reset would leave a zero, which is not the same as nothing. */
function empty(metric: Gauge | Counter, label: string | undefined) {
  if (label === undefined) metric.remove()
  else metric.reset()
}
