import { describe, expect, it } from 'vitest'
import { TelemetryMessageSchema } from '#shared/schemas/telemetry'
import { SECOND_MS } from '../../../../tools/simulator/curves'
import { createClimateSensor } from '../../../../tools/simulator/devices/climate'
import { createColdRoom } from '../../../../tools/simulator/devices/cold-room'
import type { Device } from '../../../../tools/simulator/devices/device'
import { createGate } from '../../../../tools/simulator/devices/gate'
import { createDoor } from '../../../../tools/simulator/door'

const START_MS = Date.parse('2026-01-15T08:00:00Z')
const SECONDS = 3_600

/** What a device measures in an hour, once a second. */
function hourOf({ telemetry }: Device) {
  return Array.from({ length: SECONDS }, (_, second) =>
    TelemetryMessageSchema.parse(JSON.parse(telemetry(START_MS + second * SECOND_MS) ?? '')).metrics)
}

function curveOf(hour: ReturnType<typeof hourOf>, metric: string): number[] {
  return hour.map(metrics => Number(metrics[metric]))
}

function largestStep(curve: number[]): number {
  return Math.max(...curve.slice(1).map((value, index) => Math.abs(value - Number(curve[index]))))
}

/** Seconds in which the value rises or falls against the second before; noise would turn in most of them. */
function turns(curve: number[]): number {
  const directions = curve.slice(1).map((value, index) => Math.sign(value - Number(curve[index]))).filter(direction => direction !== 0)
  return directions.filter((direction, index) => index > 0 && direction !== directions[index - 1]).length
}

const cases: [name: string, device: Device, metric: string, bounds: { min: number, max: number, step: number, swing: number }][] = [
  ['gate', createGate('tor-1', 'a'), 'tempC', { min: 10, max: 27, step: 0.35, swing: 1 }],
  ['freezer', createColdRoom('k-1', 'a', { targetC: -18, doorContact: true }), 'tempC', { min: -20, max: -14, step: 0.08, swing: 1.5 }],
  ['cold room', createColdRoom('k-2', 'a', { targetC: 4, doorContact: false }), 'tempC', { min: 2, max: 8, step: 0.08, swing: 1.5 }],
  ['cold room', createColdRoom('k-2', 'a', { targetC: 4, doorContact: false }), 'humidity', { min: 70, max: 98, step: 0.4, swing: 1 }],
  ['climate sensor', createClimateSensor('c-1', 'a'), 'tempC', { min: 15, max: 27, step: 0.03, swing: 0.3 }],
  ['climate sensor', createClimateSensor('c-1', 'a'), 'humidity', { min: 30, max: 65, step: 0.2, swing: 1 }],
  ['climate sensor', createClimateSensor('c-1', 'a'), 'batteryV', { min: 2.5, max: 3.1, step: 0.0011, swing: 0 }],
]

describe.each(cases)('the curve of a %s', (_, device, metric, { min, max, step, swing }) => {
  const curve = curveOf(hourOf(device), metric)

  it(`stays between ${min} and ${max} (${metric})`, () => {
    expect(Math.min(...curve)).toBeGreaterThanOrEqual(min)
    expect(Math.max(...curve)).toBeLessThanOrEqual(max)
  })
  it(`moves by ${swing} or more in an hour, without a jump (${metric})`, () => {
    expect(Math.max(...curve) - Math.min(...curve)).toBeGreaterThanOrEqual(swing)
    expect(largestStep(curve)).toBeLessThanOrEqual(step)
  })
  it(`is smooth (${metric})`, () => {
    expect(turns(curve)).toBeLessThan(SECONDS / 8)
  })
})

describe('a gate', () => {
  it('opens and closes 90 to 180 times an hour and is closed most of the time', () => {
    const states = hourOf(createGate('tor-1', 'a')).map(({ doorState }) => doorState)
    const openings = states.filter((state, second) => state === 'open' && states[second - 1] === 'closed').length
    expect(openings).toBeGreaterThanOrEqual(85)
    expect(openings).toBeLessThanOrEqual(185)
    expect(states.filter(state => state === 'closed').length).toBeGreaterThan(SECONDS / 2)
    expect(new Set(states)).toEqual(new Set(['open', 'closed']))
  })

  it('moves independently of its neighbour', () => {
    const doors = (deviceId: string) => hourOf(createGate(deviceId, 'a')).map(({ doorState }) => doorState)
    expect(doors('tor-1')).not.toEqual(doors('tor-2'))
  })
})

describe('a cold room', () => {
  const hour = hourOf(createColdRoom('k-1', 'a', { targetC: -18, doorContact: true }))

  it('cools while the compressor runs and the door is shut for long', () => {
    const runs = hour.map(({ compressor }) => compressor)
    const starts = runs.filter((running, second) => running === true && runs[second - 1] === false).length
    expect(starts).toBeGreaterThanOrEqual(7)
    expect(starts).toBeLessThanOrEqual(15)
  })

  it('reports its door only where it has a contact', () => {
    expect(new Set(hour.map(({ doorState }) => doorState))).toEqual(new Set(['open', 'closed']))
    expect(hourOf(createColdRoom('k-2', 'a', { targetC: 4, doorContact: false })).every(metrics => !('doorState' in metrics))).toBe(true)
  })
})

describe('a door', () => {
  const door = createDoor(7, { cycleMs: 30_000, openMs: [5_000, 10_000] })
  const times = Array.from({ length: 36_000 }, (_, tenth) => START_MS + tenth * 100)

  it('changes exactly when it says that it changed', () => {
    const faults = times.filter((atMs) => {
      const changedAt = door.changedAt(atMs)
      return changedAt > atMs || door.status(changedAt) !== door.status(atMs) || door.status(changedAt - 1) === door.status(changedAt)
    })
    expect(faults).toEqual([])
  })

  it('lets the outside in while it is open, and out again afterwards', () => {
    const faults = times.slice(1).filter((atMs) => {
      if (door.status(atMs) !== door.status(atMs - 100)) return false
      const rises = door.draught(atMs, 20_000) > door.draught(atMs - 100, 20_000)
      return rises !== (door.status(atMs) === 'open')
    })
    expect(faults).toEqual([])
    const draughts = times.map(atMs => door.draught(atMs, 20_000))
    expect(Math.min(...draughts)).toBeGreaterThanOrEqual(0)
    expect(Math.max(...draughts)).toBeLessThanOrEqual(1)
  })
})
