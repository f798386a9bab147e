import type { DeviceState, DeviceStatusChange, PresenceChange } from '#shared/schemas/device'
import type { Telemetry } from '#shared/schemas/telemetry'
import { describe, expect, it } from 'vitest'
import { withPresence, withStatus, withTelemetry } from '#shared/device/device-state'
import { CompactDeviceState } from '../../../../server/fleet/compact-state'

const NOON = Date.parse('2026-01-01T12:00:00.000Z')
const at = (seconds: number) => new Date(NOON + seconds * 1_000).toISOString()

/** The same numbers in every run, from 0 up to `below`. */
function createDice(seed = 7) {
  return (below: number) => {
    seed = (seed * 48_271) % 2_147_483_647
    return seed % below
  }
}

function message(seconds: number, metrics: Telemetry['metrics'], given: Partial<Telemetry> = {}): Telemetry {
  return { deviceId: 'd', ts: at(seconds), receivedAt: at(seconds + 1), metrics, ...given }
}

/** Does the same to a kept state and to a plain one, and expects the same of both. */
function follow(first: Telemetry) {
  let plain: DeviceState = withTelemetry(undefined, first)
  const kept = new CompactDeviceState(plain)
  function compare(next: DeviceState, found: DeviceState | undefined) {
    expect(found === undefined).toBe(next === plain)
    if (found) kept.set(found)
    plain = next
    expect(kept.device).toEqual(plain)
    expect(kept.metrics).toBe(Object.keys(plain.values).length)
  }
  return {
    kept,
    telemetry: (telemetry: Telemetry) => compare(withTelemetry(plain, telemetry), kept.afterTelemetry(telemetry)),
    presence: (change: PresenceChange) => compare(withPresence(plain, change), withPresence(kept.device, change)),
    status: (change: DeviceStatusChange) => compare(withStatus(plain, change), kept.afterStatus(change)),
  }
}

describe('a kept state', () => {
  it('keeps a value that the last message does not have, with its time', () => {
    const { kept, telemetry } = follow(message(0, { a: 1, b: 2 }))
    telemetry(message(10, { a: 3 }))
    expect(kept.device.values).toEqual({ a: { value: 3, ts: at(10) }, b: { value: 2, ts: at(0) } })
    telemetry(message(20, { b: 4, a: 5, c: 6 }))
    telemetry(message(20, { a: 7, b: 4, c: 6 }))
    expect(kept.device.values.a).toEqual({ value: 7, ts: at(20) })
  })

  it('goes by what came last, whatever time it carries', () => {
    const { kept, telemetry } = follow(message(10, { a: 1 }))
    telemetry(message(0, { a: 2 }))
    expect(kept.device.values).toEqual({ a: { value: 2, ts: at(0) } })
  })

  it('lets late data fill in only what is missing', () => {
    const { kept, telemetry } = follow(message(10, { a: 1 }))
    telemetry({ ...message(0, { a: 2, b: 3 }), late: true })
    expect(kept.device.values).toEqual({ a: { value: 1, ts: at(10) }, b: { value: 3, ts: at(0) } })
    expect(kept.device.lastTelemetry.ts).toBe(at(10))
  })

  it('hands out what never changes afterwards', () => {
    const { kept, telemetry } = follow(message(0, { a: 1 }))
    const before = kept.device
    telemetry(message(10, { a: 2 }))
    expect(before.values).toEqual({ a: { value: 1, ts: at(0) } })
  })

  it('is what the plain state is, after any sequence of messages', () => {
    const dice = createDice()
    for (let round = 0; round < 200; round++) {
      const { telemetry, status, presence } = follow(message(dice(50), { a: 0 }))
      for (let n = 0; n < 30; n++) {
        const seconds = n + dice(12) - 6
        const undated = dice(4) === 0 ? { ts: at(seconds + 1) } : {}
        const given: Partial<Telemetry> = { ...undated, ...(dice(4) === 0 && { replayed: true }), ...(dice(6) === 0 && { claimedTs: '2040-01-01T00:00:00Z' }) }
        if (dice(5) === 0) given.absent = ['a', 'd']
        const metrics = Object.fromEntries(['a', 'b', 'c'].filter(() => dice(3) > 0).map(name => [name, dice(2) === 0 ? -0 : `text ${dice(3)}`]))
        if (dice(8) === 0) presence({ deviceId: 'd', presence: (['live', 'late', 'silent'] as const)[dice(3)] ?? 'offline', since: at(seconds), ...(dice(2) === 0 && { intervalSeconds: 30, silentAfterSeconds: 82.5 }) })
        else if (dice(5) === 0) status({ deviceId: 'd', status: ['open', 'offline', null][dice(3)] ?? null, updatedAt: at(seconds), receivedAt: at(seconds + dice(3)), ...(dice(3) === 0 && { replayed: true }) })
        else if (given.absent) telemetry(message(seconds, dice(2) === 0 ? { b: 1 } : {}, given))
        else telemetry(message(seconds, Object.keys(metrics).length > 0 ? metrics : { a: 1 }, dice(5) === 0 && metrics.c ? { ...given, exact: ['c'] } : given))
      }
    }
  })
})
