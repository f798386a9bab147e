import { describe, expect, it } from 'vitest'
import { findJumps } from '#shared/device/device-search'

const jump = (deviceId: string, name = deviceId, group = '', place = '') => ({ deviceId, name, group, place })
const JUMPS = [jump('a-gate-1', 'Ramp', 'Hall 2', 'North'), jump('gate-2'), jump('pump-1', 'Big pump', 'Gates'), jump('pump-2')]
const found = (query: string, most = 10) => findJumps(JUMPS, query, most).map(({ deviceId }) => deviceId)

describe('findJumps', () => {
  it('puts what begins with it before what contains it, and that before what belongs to it', () => {
    expect(found('GATE')).toEqual(['gate-2', 'a-gate-1', 'pump-1'])
  })

  it.each([['ramp', 'a-gate-1'], ['hall 2', 'a-gate-1'], ['north ramp', 'a-gate-1'], ['big', 'pump-1']])('finds by %j', (query, deviceId) => {
    expect(found(query)).toEqual([deviceId])
  })

  it('puts a group that is called so before words from several places', () => {
    const jumps = [jump('sensor-2', 'sensor-2', 'Hall 3'), jump('sensor-9', 'sensor-9', 'Hall 2')]
    expect(findJumps(jumps, 'hall 2', 10).map(({ deviceId }) => deviceId)).toEqual(['sensor-9', 'sensor-2'])
  })

  it('gives the first when nothing is looked for, and no more than asked', () => {
    expect(found('', 2)).toEqual(['a-gate-1', 'gate-2'])
    expect(found('pump', 1)).toEqual(['pump-1'])
    expect(found('nowhere')).toEqual([])
  })
})
