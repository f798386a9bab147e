import { describe, expect, it } from 'vitest'
import type { FleetBlock } from '#shared/fleet/fleet-groups'
import { wallPages } from '#shared/fleet/wall-pages'

const counts = { live: 0, late: 0, silent: 0, offline: 0, unknown: 0 }
const head = (label: string): FleetBlock => ({ kind: 'head', group: { label, all: 1, counts }, isCollapsed: false })
const row = (deviceId: string): FleetBlock => ({ kind: 'devices', deviceIds: [deviceId], above: 0 })
const told = (blocks: readonly FleetBlock[], height: number) =>
  wallPages(blocks, { height, headHeight: 5, rowHeight: 10 }).map(page => page.map(block => block.kind === 'head' ? block.group.label : block.deviceIds[0]))

describe('wallPages', () => {
  it('puts on a page what fits', () => {
    expect(told([row('a'), row('b'), row('c')], 25)).toEqual([['a', 'b'], ['c']])
  })

  it('shows a row a page where not even one fits, and no page of nothing', () => {
    expect(told([row('a'), row('b')], 3)).toEqual([['a'], ['b']])
    expect(told([], 100)).toEqual([])
  })

  it('says on every page which group goes on, and never ends a page with a head', () => {
    expect(told([head('1'), row('a'), row('b'), row('c'), head('2'), row('d')], 28)).toEqual([['1', 'a', 'b'], ['1', 'c'], ['2', 'd']])
  })
})
