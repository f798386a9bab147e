import type { Telemetry } from '#shared/schemas/telemetry'
import { describe, expect, it } from 'vitest'
import { createFleet } from '../../../../server/fleet/fleet'
import type { FleetLimits } from '../../../../server/fleet/fleet'

const NOON = Date.parse('2026-01-01T12:00:00.000Z')
const LIMITS: FleetLimits = { devices: 3, metricsPerMessage: 4, fleetBytes: 1_000 }

let clock = NOON
function telemetry(deviceId: string, metrics: Telemetry['metrics'], given: Partial<Telemetry> = {}): Telemetry {
  const at = new Date(clock++).toISOString()
  return { deviceId, ts: at, receivedAt: at, metrics, ...given }
}

describe('fleet', () => {
  it('knows every device that it heard of', () => {
    const fleet = createFleet(LIMITS)
    fleet.applyTelemetry(telemetry('a', { x: 1 }), 10)
    fleet.applyTelemetry(telemetry('b', { x: 2 }), 10)
    expect(fleet.all().map(({ deviceId }) => deviceId)).toEqual(['a', 'b'])
    expect(fleet.get('b')?.values.x?.value).toBe(2)
    expect(fleet.get('c')).toBeUndefined()
  })

  it('hands out what never changes afterwards', () => {
    const fleet = createFleet(LIMITS)
    fleet.applyTelemetry(telemetry('a', { x: 1 }), 10)
    const before = fleet.get('a')
    fleet.applyTelemetry(telemetry('a', { x: 2 }), 10)
    expect(before?.values.x?.value).toBe(1)
  })

  it('rejects new devices beyond the limit while known ones go on', () => {
    const fleet = createFleet(LIMITS)
    for (const id of ['a', 'b', 'c']) fleet.applyTelemetry(telemetry(id, { x: 1 }), 10)
    expect(fleet.applyTelemetry(telemetry('d', { x: 1 }), 10)).toMatchObject({ kind: 'full', reason: 'device-limit' })
    expect(fleet.applyStatus({ deviceId: 'e', status: 'open', updatedAt: '2025-01-01T00:00:00Z', receivedAt: '2025-01-01T00:00:00Z' }, 10)).toMatchObject({ reason: 'device-limit' })
    expect(fleet.applyTelemetry(telemetry('a', { x: 2 }), 10).kind).toBe('changed')
    expect(fleet.size()).toBe(3)
    expect(fleet.get('a')?.values.x?.value).toBe(2)
  })

  it('keeps no more different metrics of a device than one message may carry', () => {
    const fleet = createFleet(LIMITS)
    fleet.applyTelemetry(telemetry('a', { w: 1, x: 1 }), 10)
    expect(fleet.applyTelemetry(telemetry('a', { y: 1, z: 1 }), 10).kind).toBe('changed')
    expect(fleet.applyTelemetry(telemetry('a', { more: 1 }), 10)).toMatchObject({ kind: 'full', reason: 'metrics-too-many' })
    expect(fleet.applyTelemetry(telemetry('a', { w: 2, z: 2 }), 10).kind).toBe('changed')
  })

  it('bounds the bytes of all last values together, repeated values costing nothing', () => {
    const fleet = createFleet(LIMITS)
    expect(fleet.applyTelemetry(telemetry('a', { x: 1 }), 600).kind).toBe('changed')
    expect(fleet.applyTelemetry(telemetry('b', { x: 1 }), 600)).toMatchObject({ kind: 'full', reason: 'fleet-full' })
    for (let i = 0; i < 10; i++) expect(fleet.applyTelemetry(telemetry('a', { x: i }), 600).kind).toBe('changed')
    expect(fleet.applyTelemetry(telemetry('b', { x: 1 }), 400).kind).toBe('changed')
  })

  it('calls a replay of what it holds no news', () => {
    const fleet = createFleet(LIMITS)
    const message = telemetry('a', { x: 1 }, { ts: '2025-01-01T00:00:00Z' })
    fleet.applyTelemetry(message, 10)
    expect(fleet.applyTelemetry({ ...message, replayed: true }, 10).kind).toBe('known')
    expect(fleet.applyStatus({ deviceId: 'nobody', status: null, updatedAt: message.ts, receivedAt: message.ts }, 0).kind).toBe('known')
    expect(fleet.size()).toBe(1)
  })
})
