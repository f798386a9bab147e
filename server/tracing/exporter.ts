import { diag, DiagLogLevel } from '@opentelemetry/api'
import { ExportResultCode } from '@opentelemetry/core'
import type { SpanExporter } from '@opentelemetry/sdk-trace'
import type { TracingOptions } from './options'

/** Log lines for the operator. */
export interface TraceLog {
  info: (line: string) => void
  warn: (line: string) => void
}

/** Logged characters of a collector's or network's error. */
const MAX_REASON_LENGTH = 200

/** The exporter of the standard's variables. A collector that is away costs one line in the log until it is back, not one for each batch. */
export async function createExporter({ protocol, collector }: Pick<TracingOptions, 'protocol' | 'collector'>, log: TraceLog): Promise<SpanExporter> {
  const { OTLPTraceExporter } = protocol === 'http/json' ? await import('@opentelemetry/exporter-trace-otlp-http') : await import('@opentelemetry/exporter-trace-otlp-proto')
  // Unreadable files are reported only while it is created; later reports come with every batch.
  const ignore = () => {}
  diag.setLogger({ error: ignore, warn: line => log.warn(`Traces: ${line}.`), info: ignore, debug: ignore, verbose: ignore }, { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true })
  const exporter: SpanExporter = new OTLPTraceExporter()
  diag.disable()
  return tellingOnce(exporter, collector, log)
}

/** Reports when exporting begins to fail, and when it works again. */
export function tellingOnce(exporter: SpanExporter, collector: string, log: TraceLog): SpanExporter {
  let isFailing = false
  return {
    export(spans, done) {
      exporter.export(spans, (result) => {
        const isFailed = result.code !== ExportResultCode.SUCCESS
        if (isFailed && !isFailing) log.warn(`Traces cannot be exported to ${collector} (${reasonOf(result.error)}); they are dropped until they can.`)
        if (!isFailed && isFailing) log.info(`Traces are exported to ${collector} again.`)
        isFailing = isFailed
        done(result)
      })
    },
    shutdown: () => exporter.shutdown(),
    forceFlush: () => exporter.forceFlush?.() ?? Promise.resolve(),
  }
}

function reasonOf(error: Error | undefined): string {
  const code: unknown = error && Reflect.get(error, 'code')
  // For the network a code, for the collector its status and message.
  const reason = typeof code === 'string' ? code : [code, error?.message].filter(Boolean).join(' ') || 'no reason given'
  return reason.replaceAll(/\s+/g, ' ').slice(0, MAX_REASON_LENGTH)
}
