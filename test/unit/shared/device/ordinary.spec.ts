import { StreamEventSchema } from '#shared/schemas/events'
import { isOrdinaryEvent } from '#shared/device/ordinary'
import { describe, expect, it } from 'vitest'
import { chance, seedOf } from '../../../../tools/simulator/random'

const NOON = '2025-11-02T12:00:00.000Z'
const ODD = [undefined, null, '', 'x', 0, -1, 1.5, 2 ** 53, Number.NaN, Infinity, true, false, [], [1], ['a'], {}, { a: 1 }, NOON, 'now', '2025-02-30T12:00:00Z', 'x'.repeat(65)] as const
const KEYS = ['type', 'id', 'data', 'reason', 'deviceId', 'ts', 'receivedAt', 'metrics', 'seq', 'replayed', 'claimedTs', 'exact', 'absent', 'lastSeen', 'values', 'state', 'clock', 'presence', 'presenceSince', 'intervalSeconds', 'silentAfterSeconds', 'value', 'status', 'updatedAt', 'extra', '0']

const telemetry = () => ({ deviceId: 'tor-1', ts: NOON, metrics: { tempC: 21.3, doorState: 'open', armed: true }, receivedAt: NOON, seq: 7, replayed: true, claimedTs: NOON, exact: ['doorState'], absent: ['humidity'] })
const state = () => ({
  deviceId: 'tor-1', lastSeen: NOON, lastTelemetry: telemetry(), values: { tempC: { value: 21.3, ts: NOON }, humidity: { value: null, ts: NOON }, pulses: { value: '9007199254740993', ts: NOON, exact: true } },
  state: { status: 'open', updatedAt: NOON, receivedAt: NOON, replayed: true, claimedUpdatedAt: NOON },
  clock: 'ok', presence: 'live', presenceSince: NOON, intervalSeconds: 1.5, silentAfterSeconds: 4.125,
})
const EVENTS = [
  () => ({ type: 'telemetry', id: 'a.1', data: telemetry() }),
  () => ({ type: 'batch', id: 'a.1', data: [telemetry(), telemetry()] }),
  () => ({ type: 'snapshot', id: 'a.1', data: [state(), state()] }),
  () => ({ type: 'states', data: [{ ...state(), lastSeen: null, state: null }] }),
]

/** Every object in a value, itself included. */
function objectsIn(value: unknown): object[] {
  return typeof value === 'object' && value !== null ? [value, ...Object.values(value).flatMap(objectsIn)] : []
}

describe('an ordinary event', () => {
  it.each(EVENTS.map(make => make()))('is a $type as the server sends it', (event) => {
    expect(isOrdinaryEvent(event)).toBe(true)
    expect(StreamEventSchema.safeParse(event)).toEqual({ success: true, data: event })
  })

  it('is one that the schema accepts and leaves as it is, whatever is made of one', () => {
    const seed = seedOf('ordinary event')
    let drawn = 0
    const pick = <T>(of: readonly T[]): T | undefined => of[Math.floor(chance(seed, drawn++) * of.length)]
    const seen = { ordinary: 0, other: 0 }
    for (let i = 0; i < 40_000; i++) {
      const draft = pick(EVENTS)?.()
      const object = pick(objectsIn(draft))
      const key = pick(object && chance(seed, drawn++) < 0.6 ? Object.keys(object) : KEYS) ?? 'type'
      if (object) {
        if (chance(seed, drawn++) < 0.2) Reflect.deleteProperty(object, key)
        else Reflect.set(object, key, pick(ODD))
      }
      // As it comes over the wire.
      const event: unknown = JSON.parse(JSON.stringify(draft))
      if (!isOrdinaryEvent(event)) {
        seen.other++
        continue
      }
      seen.ordinary++
      expect(StreamEventSchema.safeParse(event)).toEqual({ success: true, data: event })
    }
    expect(seen.ordinary).toBeGreaterThan(1_000)
    expect(seen.other).toBeGreaterThan(1_000)
  })

  it('is no other', () => {
    for (const event of [undefined, null, 1, 'x', [], {}, { type: 'pong' }, { type: 'broker', data: {} }, { type: 'snapshot', reason: 'restarted', data: [] }]) expect(isOrdinaryEvent(event)).toBe(false)
  })
})
