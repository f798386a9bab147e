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
