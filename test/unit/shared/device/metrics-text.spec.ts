import { expect, it } from 'vitest'
import { metricsText } from '#shared/device/metrics-text'
import { telemetry } from '../fixtures'

it('says metrics as the device wrote them', () => {
  expect(metricsText(telemetry('tor-1', { tempC: 1.5, door: 'a "b"', on: true }))).toBe('{"tempC":1.5,"door":"a \\"b\\"","on":true}')
  expect(metricsText({ ...telemetry('tor-1', { pulses: '9007199254740993', text: '9007199254740993' }), exact: ['pulses'], absent: ['humidity'] }))
    .toBe('{"pulses":9007199254740993,"text":"9007199254740993","humidity":null}')
  expect(metricsText({ ...telemetry('tor-1', {}), absent: ['humidity'] })).toBe('{"humidity":null}')
})
