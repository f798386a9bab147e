import { describe, expect, it } from 'vitest'
import { withTelemetry } from '#shared/device/device-state'
import { GROUP_DEVICES } from '../../../../server/fleet/fleet'
import type { Fleet } from '../../../../server/fleet/fleet'
import { createSnapshot } from '../../../../server/fleet/snapshot'
import type { Snapshot } from '../../../../server/fleet/snapshot'
import { fleetOf, status, telemetry } from './support'

const textOf = (snapshot: Snapshot) => Buffer.concat(snapshot.whole().pieces).toString()

function expectCurrent(snapshot: Snapshot, fleet: Fleet) {
  const text = JSON.stringify(fleet.all())
  expect(textOf(snapshot)).toBe(text)
  expect(snapshot.whole().bytes).toBe(Buffer.byteLength(text))
  expect(snapshot.bytes().toString()).toBe(text)
}

/** The same numbers in every run, from 0 up to `below`. */
function createDice(seed = 1) {
  return (below: number) => {
    seed = (seed * 48_271) % 2_147_483_647
    return seed % below
  }
}

describe('snapshot', () => {
  it('is an empty array while there is no device', () => {
    const fleet = fleetOf(0)
    expectCurrent(createSnapshot(fleet), fleet)
  })

  it.for([1, GROUP_DEVICES - 1, GROUP_DEVICES, GROUP_DEVICES + 1, 3 * GROUP_DEVICES])('holds each of %i devices', (devices) => {
    const fleet = fleetOf(devices)
    expectCurrent(createSnapshot(fleet), fleet)
  })

  it('is right after every kind of change', () => {
    const fleet = fleetOf(GROUP_DEVICES + 2)
    const snapshot = createSnapshot(fleet)
    const changes: (() => unknown)[] = [
      () => fleet.applyTelemetry(telemetry('d-3', { n: 'a longer value, Größe 🚪' }), 10),
      () => fleet.applyTelemetry(telemetry('d-3', { n: 1 }), 10),
      () => fleet.applyTelemetry(telemetry('d-0', { other: true }), 10),
      () => fleet.applyStatus(status(`d-${GROUP_DEVICES}`, 'open'), 10),
      () => fleet.applyStatus(status(`d-${GROUP_DEVICES}`, null), 0),
      () => fleet.applyStatus(status('by its state alone', 'open'), 10),
      () => fleet.applyPresence({ deviceId: 'd-3', presence: 'silent', since: '2026-01-01T12:00:00.000Z', intervalSeconds: 30 }),
      () => fleet.applyTelemetry(telemetry('"quoted"\n\u2028', { '': -0 }), 10),
      () => fleet.restore(withTelemetry(undefined, telemetry('restored', { n: 1 })), 10),
    ]
    for (const change of changes) {
      const before = snapshot.whole()
      change()
      expect(snapshot.whole()).not.toBe(before)
      expectCurrent(snapshot, fleet)
    }
  })

  it('hands out the same bytes while nothing changes', () => {
    const fleet = fleetOf(2 * GROUP_DEVICES)
    const snapshot = createSnapshot(fleet)
    const { whole, bytes } = { whole: snapshot.whole(), bytes: snapshot.bytes() }
    const message = telemetry('d-1', { n: 2 }, { ts: '2020-01-01T00:00:00Z', replayed: true })
    expect(fleet.applyTelemetry(message, 10).kind).toBe('known')
    expect(snapshot.whole()).toBe(whole)
    expect(snapshot.bytes()).toBe(bytes)
  })

  it('makes only that anew which stands near a change, and leaves what it handed out as it was', () => {
    const fleet = fleetOf(4 * GROUP_DEVICES)
    const snapshot = createSnapshot(fleet)
    const before = snapshot.whole()
    const text = textOf(snapshot)
    fleet.applyTelemetry(telemetry(`d-${GROUP_DEVICES}`, { n: 'changed' }), 10)
    const { pieces } = snapshot.whole()
    // The brackets are pieces as well.
    expect(before.pieces.flatMap((piece, i) => piece.buffer === pieces[i]?.buffer && piece.byteOffset === pieces[i].byteOffset ? [] : [i])).toEqual([2])
    expect(Buffer.concat(before.pieces).toString()).toBe(text)
  })

  it('encodes a device once per change', () => {
    const fleet = fleetOf(GROUP_DEVICES)
    const snapshot = createSnapshot(fleet)
    let encoded = 0
    const message = telemetry('d-1', { n: 0 })
    // What was sent last is a part of the state as it is.
    const watched = Object.defineProperty({ ...message }, 'toJSON', { value: () => { encoded++; return message } })
    fleet.applyTelemetry(watched, 10)
    snapshot.whole()
    fleet.applyTelemetry(telemetry('d-2', { n: 0 }), 10)
    snapshot.whole()
    snapshot.bytes()
    expect(encoded).toBe(1)
  })

  it('equals a fresh encoding after any sequence of changes', () => {
    const dice = createDice()
    const fleet = fleetOf(100)
    const snapshot = createSnapshot(fleet)
    for (let round = 0; round < 300; round++) {
      for (let n = dice(8); n > 0; n--) {
        const name = `d-${dice(100 + round)}`
        if (dice(4) === 0) fleet.applyStatus(status(name, dice(3) === 0 ? null : 'ü'.repeat(dice(30) + 1)), 10)
        else fleet.applyTelemetry(telemetry(name, { n: dice(1_000), [`m${dice(5)}`]: 'x'.repeat(dice(40)) }), 10)
      }
      expect(textOf(snapshot)).toBe(JSON.stringify(fleet.all()))
    }
    expectCurrent(snapshot, fleet)
  })

  it('encodes many devices in several turns, and is right although messages come between', async () => {
    const fleet = fleetOf(5_000)
    const snapshot = createSnapshot(fleet)
    let turns = 0
    const message = () => {
      turns++
      fleet.applyTelemetry(telemetry(`d-${turns}`, { n: 'between' }), 10)
      fleet.applyTelemetry(telemetry(`new-${turns}`, { n: turns }), 10)
      pending = setImmediate(message)
    }
    let pending = setImmediate(message)
    const whole = await snapshot.prepared()
    clearImmediate(pending)
    expect(turns).toBeGreaterThan(2)
    expect(Buffer.concat(whole.pieces).toString()).toBe(JSON.stringify(fleet.all()))
    expect(await snapshot.prepared()).toBe(whole)
  })

  it('has a device alone, changed since or not, with its comma', () => {
    const fleet = fleetOf(GROUP_DEVICES + 1)
    const snapshot = createSnapshot(fleet)
    const pieceOf = (deviceId: string) => {
      const kept = fleet.find(deviceId)
      return kept && snapshot.pieceOf(kept).toString()
    }
    for (const ask of [() => {}, () => snapshot.whole(), () => fleet.applyTelemetry(telemetry('d-0', { n: 'later' }), 10)]) {
      ask()
      for (const name of ['d-0', 'd-1', `d-${GROUP_DEVICES}`]) expect(pieceOf(name)).toBe(`,${JSON.stringify(fleet.get(name))}`)
    }
  })
})
