import { describe, expect, it } from 'vitest'
import { DevicesQuerySchema } from '#shared/schemas/device'
import { createCounters } from '../../../../server/fleet/counters'
import { createDeviceList } from '../../../../server/fleet/device-list'
import { createFleet, GROUP_DEVICES } from '../../../../server/fleet/fleet'
import { createSnapshot } from '../../../../server/fleet/snapshot'
import { fleetOf, telemetry } from './support'

describe('a hidden device', () => {
  it('is not there for whoever asks, and comes back with what it has said since', () => {
    const fleet = fleetOf(3)
    expect(fleet.hide('d-1')).toBe(true)
    expect(fleet.hide('nobody')).toBe(false)
    expect([fleet.get('d-1'), fleet.find('d-1'), fleet.size(), [...fleet.ids()]]).toEqual([undefined, undefined, 2, ['d-0', 'd-2']])
    expect(fleet.applyTelemetry(telemetry('d-1', { n: 7 }), 10)).toEqual({ kind: 'hidden' })
    expect(fleet.getIncludingHidden('d-1')?.values.n?.value).toBe(7)
    expect(fleet.show('d-1')).toBe(true)
    expect(fleet.show('d-1')).toBe(false)
    expect(fleet.get('d-1')?.values.n?.value).toBe(7)
  })

  it('leaves the texts of all others as they are, wherever it stood', () => {
    const devices = GROUP_DEVICES * 2 + 3
    const fleet = fleetOf(devices)
    const snapshot = createSnapshot(fleet)
    const text = () => snapshot.bytes().toString()
    expect(JSON.parse(text())).toEqual(fleet.all())
    // The whole first group, one in the middle, the last one.
    for (const n of [...Array(GROUP_DEVICES).keys(), GROUP_DEVICES + 5, devices - 1]) fleet.hide(`d-${n}`)
    expect(JSON.parse(text())).toEqual(fleet.all())
    fleet.show('d-3')
    expect(JSON.parse(text()).map(({ deviceId }: { deviceId: string }) => deviceId)).toEqual(expect.arrayContaining(['d-3']))
    for (const id of [...fleet.ids()]) fleet.hide(id)
    expect(text()).toBe('[]')
  })

  it('leaves its place and its room to another one when it is dropped', () => {
    const fleet = createFleet({ devices: 2, metricsPerMessage: 4, fleetBytes: 100 })
    const counters = createCounters(deviceId => fleet.find(deviceId)?.place)
    const snapshot = createSnapshot(fleet)
    fleet.applyTelemetry(telemetry('a', { x: 1 }), 50)
    fleet.applyTelemetry(telemetry('b', { x: 1 }), 50)
    counters.count('a', 'received')
    counters.sequence('a', 5)
    fleet.hide('a')
    expect(fleet.applyTelemetry(telemetry('c', { x: 1 }), 50)).toMatchObject({ kind: 'full', reason: 'device-limit' })
    const place = fleet.drop('a')
    expect(place).toBe(0)
    counters.clear(place ?? -1)
    expect(fleet.applyTelemetry(telemetry('c', { x: 3 }), 50)).toEqual({ kind: 'changed' })
    expect(fleet.find('c')?.place).toBe(0)
    expect(counters.get('c')).toMatchObject({ received: 0, sequence: null })
    expect(JSON.parse(snapshot.bytes().toString()).map(({ deviceId }: { deviceId: string }) => deviceId)).toEqual(['c', 'b'])
    expect([fleet.drop('a'), fleet.drop('b')]).toEqual([undefined, undefined])
  })

  it('is missing from pages, and everybody else is on one of them once', async () => {
    const fleet = fleetOf(30)
    const list = createDeviceList(fleet, createSnapshot(fleet))
    async function page(cursor?: string) {
      const { pieces, next } = await list.answer(DevicesQuerySchema.parse({ limit: 10, cursor, fields: 'deviceId' }), undefined)
      return { ids: Array.from(Buffer.concat(pieces).toString().matchAll(/"deviceId":"([^"]+)"/g), ([, id]) => id), next }
    }
    const first = await page()
    fleet.hide(first.ids.at(-1) ?? '')
    fleet.hide('d-29')
    fleet.applyTelemetry(telemetry('e', { n: 1 }), 10)
    const second = await page(first.next)
    const third = await page(second.next)
    expect([...first.ids, ...second.ids, ...third.ids]).toEqual([...new Set([...first.ids, ...fleet.ids()])].sort())
    expect(third.next).toBeUndefined()
    fleet.show('d-29')
    expect((await page()).ids).not.toContain(first.ids.at(-1))
  })
})
