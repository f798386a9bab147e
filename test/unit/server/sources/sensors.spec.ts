import { StreamEventSchema } from '#shared/schemas/events'
import { describe, expect, it } from 'vitest'
import { createSensorsSource } from '../../../../server/sources/sensors'
import { malformed } from '../../../fixtures/malformed'

const LIMITS = { payloadBytes: 65_536, metricsPerMessage: 256, nameLength: 128, valueLength: 1_024, clockToleranceSeconds: 300 }
const NOW = new Date('2026-01-01T12:00:00.000Z')
const source = createSensorsSource(LIMITS)

function read(payload: unknown, topic = 'sensors/tor-1/telemetry', replayed = false) {
  const bytes = Buffer.isBuffer(payload) ? payload : Buffer.from(typeof payload === 'string' ? payload : JSON.stringify(payload))
  return source.read({ topic, payload: bytes, replayed }, NOW.getTime())
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
  const observation = read({ ts: '2025-11-02T12:00:00Z', metrics: { 'Tür "1"': '\u{1F6AA}', 'a.b': -0, 'x': 1e300 } })
  expect(observation.kind).toBe('telemetry')
  if (observation.kind === 'telemetry') StreamEventSchema.parse({ type: 'telemetry', data: observation.telemetry })
})
