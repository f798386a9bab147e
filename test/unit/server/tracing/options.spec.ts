import { describe, expect, it } from 'vitest'
import { readTracingOptions } from '../../../../server/tracing/options'
import { areTracesWanted } from '../../../../server/tracing/wanted'

const ENDPOINT = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://user:key@collector:4318/with/path?key=x' }

function read(env: Record<string, string>) {
  const lines: string[] = []
  const options = readTracingOptions({ ...ENDPOINT, ...env }, line => lines.push(line))
  return { options, lines }
}

describe('whether traces are wanted', () => {
  it.each<[Record<string, string>, boolean]>([
    [{}, false],
    [{ OTEL_EXPORTER_OTLP_ENDPOINT: ' ' }, false],
    [{ OTEL_SERVICE_NAME: 'leitstand', OTEL_TRACES_SAMPLER: 'always_on' }, false],
    [ENDPOINT, true],
    [{ OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'http://collector:4318/v1/traces' }, true],
    [{ ...ENDPOINT, OTEL_SDK_DISABLED: 'TRUE' }, false],
    [{ ...ENDPOINT, OTEL_SDK_DISABLED: 'yes' }, true],
    [{ ...ENDPOINT, OTEL_TRACES_EXPORTER: 'none' }, false],
    [{ ...ENDPOINT, OTEL_TRACES_EXPORTER: '' }, true],
  ])('%o: %s', (env, wanted) => {
    expect(areTracesWanted(env)).toBe(wanted)
  })
})

describe('the variables', () => {
  it('have the defaults of the standard, and the log nothing of a secret', () => {
    expect(read({ OTEL_BSP_MAX_QUEUE_SIZE: '' })).toEqual({ lines: [], options: {
      protocol: 'http/protobuf', collector: 'collector:4318', sampler: 'parentbased_always_on', ratio: 1,
      scheduleDelayMs: 5_000, exportTimeoutMs: 30_000, queueSize: 2_048, batchSize: 512, linksPerSpan: 128, isContinuing: true,
    } })
  })

  it('are taken', () => {
    const { options, lines } = read({
      OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc', OTEL_EXPORTER_OTLP_TRACES_PROTOCOL: 'http/json', OTEL_TRACES_SAMPLER: 'traceidratio', OTEL_TRACES_SAMPLER_ARG: '0.25',
      OTEL_BSP_SCHEDULE_DELAY: '100', OTEL_BSP_EXPORT_TIMEOUT: '200', OTEL_BSP_MAX_QUEUE_SIZE: '300', OTEL_BSP_MAX_EXPORT_BATCH_SIZE: '400', OTEL_SPAN_LINK_COUNT_LIMIT: '0', OTEL_PROPAGATORS: 'b3',
    })
    expect([options, lines]).toEqual([{
      protocol: 'http/json', collector: 'collector:4318', sampler: 'traceidratio', ratio: 0.25,
      scheduleDelayMs: 100, exportTimeoutMs: 200, queueSize: 300, batchSize: 300, linksPerSpan: 0, isContinuing: false,
    }, []])
  })

  it('that cannot be used are named in one line, and the defaults hold', () => {
    const { options, lines } = read({ OTEL_TRACES_SAMPLER: 'sometimes', OTEL_TRACES_SAMPLER_ARG: '2', OTEL_BSP_MAX_QUEUE_SIZE: '-1', OTEL_BSP_SCHEDULE_DELAY: '70' })
    expect(options).toMatchObject({ sampler: 'parentbased_always_on', ratio: 1, queueSize: 2_048, scheduleDelayMs: 70 })
    expect(lines).toEqual(['Traces: the value of OTEL_TRACES_SAMPLER, OTEL_TRACES_SAMPLER_ARG, OTEL_BSP_MAX_QUEUE_SIZE cannot be used; the default is taken.'])
  })

  it.each<[Record<string, string>, RegExp]>([
    [{ OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc' }, /OTEL_EXPORTER_OTLP_PROTOCOL=grpc is not supported.*4318/],
    [{ OTEL_TRACES_EXPORTER: 'console' }, /OTEL_TRACES_EXPORTER=console is not supported/],
    [{ OTEL_EXPORTER_OTLP_ENDPOINT: 'collector:4318' }, /OTEL_EXPORTER_OTLP_ENDPOINT must be an address/],
  ])('%o: no traces, and one line', (env, line) => {
    const { options, lines } = read(env)
    expect([options, lines]).toEqual([undefined, [expect.stringMatching(line)]])
  })
})
