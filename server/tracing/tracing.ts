// Owns traces by OpenTelemetry, loaded only if its variables ask for them (`wanted.ts`). Promises that a failing
// collector never disturbs the application. Never changes a room: traced parts are wrapped from outside.
import type { App } from 'h3'
import type { TurnEvents } from '../mqtt/turns'
import { createExporter } from './exporter'
import type { TraceLog } from './exporter'
import { readTracingOptions } from './options'
import { traceQuestions } from './questions'
import type { Answering, DatabaseName } from './questions'
import { traceRequests } from './requests'
import { createSpans } from './sdk'
import { traceStreams } from './streams'
import { traceTurns } from './turns'
import type { TurnDurability } from './turns'

export interface Tracing {
  /** Requests and WebSockets. `baseURL` ends with a slash. */
  traceServer: (app: App, baseURL: string) => void
  /** Questions about the past. */
  traceQuestions: <L extends Answering>(leitstand: L, database: DatabaseName) => L
  /** What the broker brings, by the turn. */
  traceTurns: (events: TurnEvents, durability: TurnDurability) => TurnEvents
  /** Exports what waits, for a few seconds at most. */
  stop: () => Promise<void>
}

/** Undefined if the variables ask for something unsupported; the log contains the reason. */
export async function startTracing(env: Record<string, string | undefined>, log: TraceLog): Promise<Tracing | undefined> {
  const options = readTracingOptions(env, log.warn)
  if (!options) return undefined
  const spans = createSpans(options, await createExporter(options, log))
  log.info(`Traces are exported to ${options.collector} (${options.protocol}, ${options.sampler}).`)
  return {
    traceServer(app, baseURL) {
      traceRequests(app, spans, baseURL)
      traceStreams(app, spans)
    },
    traceQuestions: (leitstand, database) => traceQuestions(leitstand, spans, database),
    traceTurns: (events, durability) => traceTurns(spans, events, durability),
    stop: spans.stop,
  }
}
