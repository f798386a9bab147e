// The official SDK, as the standard's variables want it. Nothing global is registered: what is traced is handed on by hand.
import { randomUUID } from 'node:crypto'
import { AsyncLocalStorage } from 'node:async_hooks'
import type { Context, Tracer } from '@opentelemetry/api'
import { detectResources, resourceAttributesEnvDetector, resourceFromAttributes, serviceNameEnvDetector } from '@opentelemetry/resources'
import { AlwaysOffSampler, AlwaysOnSampler, BatchSpanProcessor, ParentBasedSampler, TraceIdRatioBasedSampler, TracerProvider } from '@opentelemetry/sdk-trace'
import type { Sampler, SpanExporter } from '@opentelemetry/sdk-trace'
import { ATTR_SERVICE_INSTANCE_ID, ATTR_SERVICE_NAME, ATTR_SERVICE_VERSION, ATTR_TELEMETRY_SDK_LANGUAGE, ATTR_TELEMETRY_SDK_NAME, ATTR_TELEMETRY_SDK_VERSION } from '@opentelemetry/semantic-conventions'
import { SDK_INFO } from '@opentelemetry/core'
import { INFO } from '../documents/info'
import type { TracingOptions } from './options'

/** What the last batches have to leave in when the server stops. */
const STOP_MS = 3_000

/** What spans are made with. */
export interface Spans {
  tracer: Tracer
  /** The span within which something is being answered. */
  within: AsyncLocalStorage<Context>
  /** Whether the traces of others go on here. */
  isContinuing: boolean
  linksPerSpan: number
  /** Exports what waits, for three seconds at most. */
  stop: () => Promise<void>
}

export function createSpans(options: TracingOptions, exporter: SpanExporter): Spans {
  const provider = new TracerProvider({
    resource: resource(),
    sampler: samplerOf(options),
    spanLimits: { linkCountLimit: options.linksPerSpan },
    spanProcessors: [new BatchSpanProcessor({
      exporter,
      scheduledDelayMillis: options.scheduleDelayMs,
      exportTimeoutMillis: options.exportTimeoutMs,
      maxQueueSize: options.queueSize,
      maxExportBatchSize: options.batchSize,
    })],
  })
  return {
    tracer: provider.getTracer(INFO.title, INFO.version),
    within: new AsyncLocalStorage(),
    isContinuing: options.isContinuing,
    linksPerSpan: options.linksPerSpan,
    async stop() {
      let timer: NodeJS.Timeout | undefined
      const tooLong = new Promise<void>((resolve) => { timer = setTimeout(resolve, STOP_MS) })
      // Why it failed is in the log already.
      await Promise.race([provider.shutdown().catch(() => {}), tooLong])
      clearTimeout(timer)
    },
  }
}

function resource() {
  const own = resourceFromAttributes({
    [ATTR_SERVICE_NAME]: 'leitstand',
    [ATTR_SERVICE_VERSION]: INFO.version,
    [ATTR_SERVICE_INSTANCE_ID]: randomUUID(),
    [ATTR_TELEMETRY_SDK_LANGUAGE]: SDK_INFO[ATTR_TELEMETRY_SDK_LANGUAGE],
    [ATTR_TELEMETRY_SDK_NAME]: SDK_INFO[ATTR_TELEMETRY_SDK_NAME],
    [ATTR_TELEMETRY_SDK_VERSION]: SDK_INFO[ATTR_TELEMETRY_SDK_VERSION],
  })
  // The name has a variable of its own, which goes before that in the list.
  return own.merge(detectResources({ detectors: [resourceAttributesEnvDetector, serviceNameEnvDetector] }))
}

function samplerOf({ sampler, ratio }: TracingOptions): Sampler {
  const root = {
    always_on: () => new AlwaysOnSampler(),
    always_off: () => new AlwaysOffSampler(),
    traceidratio: () => new TraceIdRatioBasedSampler(ratio),
  }
  switch (sampler) {
    case 'parentbased_always_on': return new ParentBasedSampler({ root: root.always_on() })
    case 'parentbased_always_off': return new ParentBasedSampler({ root: root.always_off() })
    case 'parentbased_traceidratio': return new ParentBasedSampler({ root: root.traceidratio() })
    default: return root[sampler]()
  }
}
