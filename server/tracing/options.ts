import { z } from 'zod'
import { endpointOf } from './wanted'

const SAMPLERS = ['always_on', 'always_off', 'traceidratio', 'parentbased_always_on', 'parentbased_always_off', 'parentbased_traceidratio'] as const
const PROTOCOLS = ['http/protobuf', 'http/json'] as const
/** The largest delay that a timer of Node takes. */
const LONGEST_MS = 2_147_483_647
const MOST = 1_000_000

const whole = (fallback: number, max: number, min = 1) => z.coerce.number().int().min(min).max(max).default(fallback)

/**
 * The variables that are read here, with the standard's defaults; where to, headers, time limit, compression and certificates
 * (`OTEL_EXPORTER_OTLP_…`) are read by the exporter, `OTEL_SERVICE_NAME` and `OTEL_RESOURCE_ATTRIBUTES` by the SDK's detectors.
 */
const VariablesSchema = z.object({
  OTEL_TRACES_SAMPLER: z.enum(SAMPLERS).default('parentbased_always_on'),
  OTEL_TRACES_SAMPLER_ARG: z.coerce.number().min(0).max(1).default(1),
  OTEL_BSP_SCHEDULE_DELAY: whole(5_000, LONGEST_MS),
  OTEL_BSP_EXPORT_TIMEOUT: whole(30_000, LONGEST_MS),
  OTEL_BSP_MAX_QUEUE_SIZE: whole(2_048, MOST),
  OTEL_BSP_MAX_EXPORT_BATCH_SIZE: whole(512, MOST),
  OTEL_SPAN_LINK_COUNT_LIMIT: whole(128, MOST, 0),
  OTEL_PROPAGATORS: z.string().default('tracecontext,baggage'),
})

export interface TracingOptions {
  protocol: typeof PROTOCOLS[number]
  /** Host and port of the collector: without what may be secret in its address. */
  collector: string
  sampler: typeof SAMPLERS[number]
  /** From 0, none, to 1, all: for the samplers by ratio. */
  ratio: number
  scheduleDelayMs: number
  exportTimeoutMs: number
  /** Spans that wait at most; what comes beyond is dropped. */
  queueSize: number
  batchSize: number
  /** Links that one span has at most. */
  linksPerSpan: number
  /** Whether the client's trace continues here (W3C `traceparent`). */
  isContinuing: boolean
}

/**
 * Reads the variables. As the standard requires, none of them prevents a start: `warn` gets a line about an unusable
 * value, and the default is used. Undefined: nothing can be exported this way.
 */
export function readTracingOptions(env: Record<string, string | undefined>, warn: (line: string) => void): TracingOptions | undefined {
  const given = (name: string) => env[name]?.trim() || undefined
  const exporter = given('OTEL_TRACES_EXPORTER') ?? 'otlp'
  if (!exporter.split(',').map(name => name.trim()).includes('otlp')) return refuse(`OTEL_TRACES_EXPORTER=${exporter} is not supported: set otlp or none`)
  const wanted = given('OTEL_EXPORTER_OTLP_TRACES_PROTOCOL') ?? given('OTEL_EXPORTER_OTLP_PROTOCOL') ?? 'http/protobuf'
  const protocol = PROTOCOLS.find(name => name === wanted)
  if (!protocol) return refuse(`OTEL_EXPORTER_OTLP_PROTOCOL=${wanted} is not supported: set http/protobuf or http/json, and the collector’s port for OTLP over HTTP (4318 by default)`)
  const endpoint = endpointOf(env) ?? ''
  if (!/^https?:\/\//i.test(endpoint) || !URL.canParse(endpoint)) return refuse('OTEL_EXPORTER_OTLP_ENDPOINT must be an address such as http://collector:4318')

  function refuse(why: string) {
    warn(`No traces are exported: ${why}.`)
    return undefined
  }

  const variables = readVariables(given, warn)
  return {
    protocol,
    collector: new URL(endpoint).host,
    sampler: variables.OTEL_TRACES_SAMPLER,
    ratio: variables.OTEL_TRACES_SAMPLER_ARG,
    scheduleDelayMs: variables.OTEL_BSP_SCHEDULE_DELAY,
    exportTimeoutMs: variables.OTEL_BSP_EXPORT_TIMEOUT,
    queueSize: variables.OTEL_BSP_MAX_QUEUE_SIZE,
    batchSize: Math.min(variables.OTEL_BSP_MAX_EXPORT_BATCH_SIZE, variables.OTEL_BSP_MAX_QUEUE_SIZE),
    linksPerSpan: variables.OTEL_SPAN_LINK_COUNT_LIMIT,
    isContinuing: variables.OTEL_PROPAGATORS.split(',').some(name => name.trim() === 'tracecontext'),
  }
}

function readVariables(given: (name: string) => string | undefined, warn: (line: string) => void) {
  const values = new Map(Object.keys(VariablesSchema.shape).map(name => [name, given(name)]))
  const result = VariablesSchema.safeParse(Object.fromEntries(values))
  if (result.success) return result.data
  const wrong = new Set(result.error.issues.map(({ path: [name] }) => String(name)))
  warn(`Traces: the value of ${[...wrong].join(', ')} cannot be used; the default is taken.`)
  for (const name of wrong) values.delete(name)
  return VariablesSchema.parse(Object.fromEntries(values))
}
