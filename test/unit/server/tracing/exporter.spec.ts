import { ExportResultCode } from '@opentelemetry/core'
import type { ExportResult } from '@opentelemetry/core'
import { expect, it } from 'vitest'
import { tellingOnce } from '../../../../server/tracing/exporter'

it('tells once that exporting fails, and once that it is well again', () => {
  const failed = (error?: Error): ExportResult => ({ code: ExportResultCode.FAILED, ...(error && { error }) })
  const answers = [failed(Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' })), failed(), { code: ExportResultCode.SUCCESS }, { code: ExportResultCode.SUCCESS }, failed(Object.assign(new Error(`Unauthorized\n${'x'.repeat(500)}`), { code: 401 })), failed()]
  const log: string[] = []
  const results: number[] = []
  const exporter = tellingOnce({
    export: (_, done) => done(answers.shift() ?? failed()),
    shutdown: () => Promise.resolve(),
  }, 'collector:4318', { info: line => log.push(line), warn: line => log.push(line) })
  for (let i = 0; i < 6; i++) exporter.export([], ({ code }) => results.push(code))
  expect(results).toEqual([1, 1, 0, 0, 1, 1])
  expect(log).toHaveLength(3)
  expect(log[0]).toBe('Traces cannot be exported to collector:4318 (ECONNREFUSED); they are dropped until they can.')
  expect(log[1]).toBe('Traces are exported to collector:4318 again.')
  expect(log[2]).toMatch(/^Traces cannot be exported to collector:4318 \(401 Unauthorized x{150,200}\); they are dropped/)
})
