import { StreamEventSchema } from '#shared/schemas/events'
import { describe, expect, it } from 'vitest'
import { createSensorsSource } from '../../../../../server/sources/sensors/sensors'
import { malformed } from '../../../../fixtures/malformed'

const LIMITS = { payloadBytes: 65_536, metricsPerMessage: 256, nameLength: 128, valueLength: 1_024, clockToleranceSeconds: 300 }
const NOW = new Date('2026-01-01T12:00:00.000Z')
const source = createSensorsSource(LIMITS)

function read(payload: unknown, topic = 'sensors/tor-1/telemetry', replayed = false) {
  const bytes = Buffer.isBuffer(payload) ? payload : Buffer.from(typeof payload === 'string' ? payload : JSON.stringify(payload))
  const [observation] = source.read({ topic, payload: bytes, replayed }, NOW.getTime())
  if (!observation) throw new Error('nothing was read')
  return observation
}

describe('telemetry', () => {
  it('is what the seed describes', () => {
    const ts = '2025-11-02T12:00:00Z'
    expect(read({ deviceId: 'tor-1', ts, metrics: { tempC: 21.3, humidity: 48.2, doorState: 'open', armed: true } })).toEqual({
      kind: 'telemetry',
      telemetry: { deviceId: 'tor-1', ts, metrics: { tempC: 21.3, humidity: 48.2, doorState: 'open', armed: true }, receivedAt: NOW.toISOString() },
      time: Date.parse(ts) * 1_000,
    })
  })

  it('counts at its receive time when it carries none', () => {
    expect(read({ metrics: { tempC: 1 } })).toMatchObject({ telemetry: { ts: NOW.toISOString() } })
  })

  it('says when it was replayed', () => {
    expect(read({ metrics: { tempC: 1 } }, undefined, true)).toMatchObject({ telemetry: { replayed: true } })
  })

  it.each(['9999-12-31T23:59:59Z', '2026-01-01T12:05:00.001Z', '1970-01-01T00:00:09Z', '2000-01-01T00:01:30Z', '2014-12-31T23:59:59Z', '0001-01-01T00:00:00Z'])('does not believe %s, and keeps the claim', (ts) => {
    expect(read({ ts, metrics: { tempC: 1 } })).toMatchObject({ telemetry: { ts: NOW.toISOString(), claimedTs: ts } })
  })

  it.each(['2026-01-01T12:05:00Z', '2015-01-01T00:00:00Z', '2025-11-02T12:00:00.123456Z', '2025-11-02T13:00:00+01:00'])('believes %s as it was written', (ts) => {
    expect(read({ ts, metrics: { tempC: 1 } })).toMatchObject({ telemetry: { ts } })
  })

  it.each([
    ['2025-11-02T13:00:00+01', '2025-11-02T13:00:00+01:00', 0],
    ['2025-11-02T13:00:00+0100', '2025-11-02T13:00:00+01:00', 0],
    ['2025-11-02T12:00:00,123456Z', '2025-11-02T12:00:00.123456Z', 123_456],
    ['2025-11-02t12:00:00z', '2025-11-02T12:00:00Z', 0],
    ['2025-11-02 12:00:00Z', '2025-11-02T12:00:00Z', 0],
    ['20251102T130000+0100', '2025-11-02T13:00:00+01:00', 0],
    ['2025-W44-7T12:00Z', '2025-11-02T12:00:00Z', 0],
    ['2025-306T12:00:00Z', '2025-11-02T12:00:00Z', 0],
    ['2025-11-02T12:00Z', '2025-11-02T12:00:00Z', 0],
    ['2025-11-01T24:00:00-12', '2025-11-02T00:00:00-12:00', 0],
  ])('understands %s, and hands out RFC 3339', (written, ts, below) => {
    expect(read({ ts: written, metrics: { tempC: 1 } })).toMatchObject({ telemetry: { ts }, time: Date.parse('2025-11-02T12:00:00Z') * 1_000 + below })
    expect(read({ status: 'open', updated_at: written }, 'sensors/tor-1/state')).toMatchObject({ change: { updatedAt: ts } })
  })

  it('claims in RFC 3339 as well', () => {
    expect(read({ ts: '99991231T235959Z', metrics: { tempC: 1 } })).toMatchObject({ telemetry: { ts: NOW.toISOString(), claimedTs: '9999-12-31T23:59:59Z' } })
  })

  it.each(['2025-11-02T12:00:00', '20251102T120000', '2025-11-02 12:00:00,5'])('says of %s that the zone is missing', (ts) => {
    expect(read({ ts, metrics: { tempC: 1 } })).toMatchObject({ reason: 'ts-invalid', detail: '"ts" has no time zone: Z or an offset such as +01:00 must follow the time.' })
    expect(read({ status: 'open', updated_at: ts }, 'sensors/tor-1/state')).toMatchObject({ reason: 'ts-invalid', detail: expect.stringContaining('"updated_at" has no time zone') })
  })

  it.each([['a BOM', '\uFEFF', ''], ['two of them', '\uFEFF\uFEFF', ''], ['a final NUL', '', '\u0000'], ['several', '', '\u0000\u0000\u0000'], ['line breaks among them', '\uFEFF\n', '\r\n\u0000\n'], ['all of it', '\uFEFF', '\u0000']])(
    'is read without %s around it', (_, before, behind) => {
      expect(read(`${before}{"metrics":{"tempC":1}}${behind}`)).toMatchObject({ telemetry: { metrics: { tempC: 1 } } })
      expect(read(`${before}{"status":"open","updated_at":"2025-11-02T12:00:00Z"}${behind}`, 'sensors/tor-1/state')).toMatchObject({ change: { status: 'open' } })
    })

  it('ignores fields it does not know', () => {
    expect(read({ metrics: { tempC: 1 }, extra: { deep: [1] } })).toMatchObject({ kind: 'telemetry' })
  })
})

describe('whole numbers', () => {
  const metricsOf = (payload: string) => {
    const observation = read(payload)
    if (observation.kind !== 'telemetry') return observation
    const { metrics, exact } = observation.telemetry
    return { metrics, exact }
  }

  it.each(['9007199254740993', '-9007199254740993', '4398046511104000123', '18446744073709551615', '-9223372036854775807', '99999999999999999', '123456789012345678901234567890', `1${'0'.repeat(400)}`])(
    '%s is kept as text, with exactly its digits, and marked', (digits) => {
      expect(metricsOf(`{"metrics":{"a":1,"pulses":${digits},"b":"x"}}`)).toEqual({ metrics: { a: 1, pulses: digits, b: 'x' }, exact: ['pulses'] })
    })

  it.each(['9007199254740991', '-9007199254740991', '9007199254740992', '-9007199254740992', '0', '-0', '1e30', '1E+30', '12345678901234567890.0', '12345678901234567890.5', '9007199254740993e0', '0.12345678901234567890'])(
    '%s stays a number', (number) => {
      expect(metricsOf(`{"metrics":{"pulses":${number}}}`)).toEqual({ metrics: { pulses: Number(number) }, exact: undefined })
    })

  it('are looked for among the metrics alone', () => {
    expect(metricsOf('{"extra":{"pulses":9007199254740993,"metrics":{"pulses":9007199254740995}},"metrics":{"text":"9007199254740993","pulses":1}}'))
      .toEqual({ metrics: { text: '9007199254740993', pulses: 1 }, exact: undefined })
    expect(metricsOf('{"metrics":{"pulses":9007199254740993,"pulses":1}}')).toEqual({ metrics: { pulses: 1 }, exact: undefined })
    expect(metricsOf('{"metrics":{"pulses":1,"pulses":9007199254740993}}')).toEqual({ metrics: { pulses: '9007199254740993' }, exact: ['pulses'] })
    expect(metricsOf('{"metrics":{"a":9007199254740993},"metrics":{"b":9007199254740995}}')).toEqual({ metrics: { b: '9007199254740995' }, exact: ['b'] })
    expect(metricsOf('\uFEFF{"metrics":{"pulses":9007199254740993}}\u0000')).toEqual({ metrics: { pulses: '9007199254740993' }, exact: ['pulses'] })
  })

  it('are no longer than a text may be', () => {
    expect(read(`{"metrics":{"pulses":${'9'.repeat(1_025)}}}`)).toMatchObject({ reason: 'metric-value-too-long' })
  })

  it('as numbers of messages are refused beyond what can be counted, with the reason', () => {
    expect(read('{"seq":9007199254740991,"metrics":{"a":1}}')).toMatchObject({ telemetry: { seq: 9_007_199_254_740_991 } })
    expect(read('{"seq":9007199254740993,"metrics":{"a":1}}')).toMatchObject({ reason: 'seq-invalid', detail: '"seq" is not a whole number from 0 to 9007199254740991.' })
  })
})

describe('null', () => {
  it('beside good values is no value now, and the message counts', () => {
    expect(read('{"metrics":{"tempC":21.3,"humidity":null,"doorState":null}}')).toEqual({
      kind: 'telemetry',
      telemetry: { deviceId: 'tor-1', ts: NOW.toISOString(), metrics: { tempC: 21.3 }, absent: ['humidity', 'doorState'], receivedAt: NOW.toISOString() },
      time: NOW.getTime() * 1_000,
    })
  })

  it('alone counts as well', () => {
    expect(read('{"ts":"2025-11-02T12:00:00Z","seq":3,"metrics":{"tempC":null}}')).toMatchObject({ telemetry: { ts: '2025-11-02T12:00:00Z', seq: 3, metrics: {}, absent: ['tempC'] } })
  })

  it('stands beside a large number', () => {
    expect(read('{"metrics":{"a":null,"pulses":9007199254740993}}')).toMatchObject({ telemetry: { metrics: { pulses: '9007199254740993' }, absent: ['a'], exact: ['pulses'] } })
  })

  it.each(['{"metrics":null}', '{"metrics":{"a":[null]}}', '{"metrics":{"a":{"b":null}}}', '{"ts":null,"metrics":{"a":null}}', '{"seq":null,"metrics":{"a":1}}', '{"metrics":{"":null}}', '{"metrics":{"__proto__":null}}'])(
    'is refused elsewhere: %s', payload => expect(read(payload)).toMatchObject({ kind: 'rejected' }))
})

describe('state', () => {
  it('is what the seed describes', () => {
    expect(read({ status: 'open', updated_at: '2025-11-03T12:40:00Z' }, 'sensors/tor-1/state', true)).toEqual({
      kind: 'status',
      change: { deviceId: 'tor-1', status: 'open', updatedAt: '2025-11-03T12:40:00Z', receivedAt: NOW.toISOString(), replayed: true },
    })
  })

  it('is deleted by an empty payload', () => {
    expect(read('', 'sensors/tor-1/state')).toMatchObject({ change: { status: null } })
  })

  it('does not believe a future time', () => {
    expect(read({ status: 'open', updated_at: '9999-01-01T00:00:00Z' }, 'sensors/tor-1/state')).toMatchObject({
      change: { updatedAt: NOW.toISOString(), claimedUpdatedAt: '9999-01-01T00:00:00Z' },
    })
  })
})

describe('a malformed message', () => {
  it.each(malformed.map(message => [message.title, message] as const))('%s', (_, { topic, payload, reason }) => {
    expect(read(payload, topic)).toMatchObject({ kind: 'rejected', reason, detail: expect.stringMatching(/^.{5,300}\.$/s) })
  })

  it('comes in at least 300 kinds', () => {
    expect(new Set(malformed.map(({ topic, payload }) => `${topic} ${payload.toString('base64')}`)).size).toBeGreaterThanOrEqual(300)
  })
})

it('makes nothing that the event schema would refuse', () => {
  const observation = read({ ts: '2025-11-02T12:00:00Z', metrics: { 'Tür "1"': '\u{1F6AA}', 'a.b': -0, 'x': 1e300, 'none': null } })
  expect(observation.kind).toBe('telemetry')
  if (observation.kind === 'telemetry') StreamEventSchema.parse({ type: 'telemetry', data: observation.telemetry })
})
