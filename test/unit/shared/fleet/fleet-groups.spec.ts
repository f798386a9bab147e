import { describe, expect, it } from 'vitest'
import { signsOf } from '#shared/device/device-status'
import { toFleetEntry } from '#shared/fleet/fleet-entry'
import { groupLines, layOut } from '#shared/fleet/fleet-groups'
import { device } from '../fixtures'

const line = (deviceId: string, presence: 'live' | 'silent' = 'live') => {
  const entry = toFleetEntry({ ...device(deviceId, { tempC: 1 }), presence })
  return { entry, signs: signsOf(entry.device, entry.door) }
}
const GROUPS = new Map([['a', 'Hall 10'], ['b', 'Hall 2'], ['c', 'Hall 10']])
const labelOf = (deviceId: string) => GROUPS.get(deviceId) ?? ''
const labelsOf = (deviceId: string) => ({ group: labelOf(deviceId), place: '' })
const groups = groupLines([line('a'), line('b'), line('c', 'silent'), line('d')], 'group', labelsOf)

describe('groupLines', () => {
  it('counts each group by presence, in natural order, those without a group last', () => {
    expect(groups.map(({ label, all }) => [label, all])).toEqual([['Hall 2', 1], ['Hall 10', 2], ['', 1]])
    expect(groups[1]?.counts).toEqual({ live: 1, late: 0, silent: 1, offline: 0, unknown: 0 })
  })
})

describe('layOut', () => {
  const open = { labelOf, isCollapsed: () => false }

  it('puts as many devices beside each other as asked', () => {
    expect(layOut(['a', 'b', 'c'], { ...open, columns: 2, groups: null })).toEqual([
      { kind: 'devices', deviceIds: ['a', 'b'], above: 0 },
      { kind: 'devices', deviceIds: ['c'], above: 2 },
    ])
  })

  it('keeps the order within groups, begins a row for each, and leaves out groups of which nothing is shown', () => {
    const blocks = layOut(['c', 'd', 'a'], { ...open, columns: 3, groups })
    expect(blocks.map(block => block.kind === 'head' ? block.group.label : block.deviceIds)).toEqual(['Hall 10', ['c', 'a'], '', ['d']])
    expect(blocks.at(-1)).toMatchObject({ above: 2 })
  })

  it('shows of a collapsed group its head alone', () => {
    const blocks = layOut(['a', 'b'], { labelOf, isCollapsed: label => label === 'Hall 10', columns: 1, groups })
    expect(blocks.map(block => block.kind === 'head' ? [block.group.label, block.isCollapsed] : block.deviceIds)).toEqual([['Hall 2', false], ['b'], ['Hall 10', true]])
  })
})
