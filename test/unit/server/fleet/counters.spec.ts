import { DeviceCountersSchema } from '#shared/schemas/counters'
import { expect, it } from 'vitest'
import { createCounters } from '../../../../server/fleet/counters'

it('counts what became of each message, for known devices only', () => {
  const counters = createCounters(deviceId => deviceId === 'tor-1' ? 0 : undefined)
  counters.count('tor-1', 'received')
  counters.count('tor-1', 'received')
  counters.count('tor-1', 'stored')
  counters.count('stranger', 'received')
  expect(DeviceCountersSchema.parse(counters.get('tor-1'))).toMatchObject({ received: 2, stored: 1, duplicate: 0, rejected: 0, sequence: null })
  expect(counters.get('stranger')).toBeUndefined()
})

it('finds gaps in a device’s own numbers, and takes a lower one for a new start', () => {
  const counters = createCounters(() => 0)
  for (const seq of [7, 8, 11, 12, 20, 0, 1, 3]) counters.sequence('tor-1', seq)
  expect(counters.get('tor-1')?.sequence).toEqual({ last: 3, gaps: 3, missing: 2 + 7 + 1 })
})

it.each<[string, number[], { last: number, gaps: number, missing: number }]>([
  ['late numbers take their gap back', [1, 2, 5, 4, 3, 6], { last: 6, gaps: 0, missing: 0 }],
  ['one late number of several leaves the others missing', [1, 5, 3, 6], { last: 6, gaps: 2, missing: 2 }],
  ['repeated numbers change nothing', [10, 11, 12, 11, 12, 10, 13], { last: 13, gaps: 0, missing: 0 }],
  ['a late number taken once is repeated the second time', [1, 3, 2, 2, 4], { last: 4, gaps: 0, missing: 0 }],
  ['a reboot to 0 is no gap', [5_000, 5_001, 0, 1, 2], { last: 2, gaps: 0, missing: 0 }],
  ['a reboot to 1 is no gap', [5_000, 5_001, 1, 2], { last: 2, gaps: 0, missing: 0 }],
  ['old numbers sent again are no gap when the count goes on', [4_999, 5_000, 0, 1, 2, 5_001], { last: 5_001, gaps: 0, missing: 0 }],
])('%s', (_, numbers, expected) => {
  const counters = createCounters(() => 0)
  for (const seq of numbers) counters.sequence('tor-1', seq)
  expect(counters.get('tor-1')?.sequence).toEqual(expected)
})

it('keeps many devices apart', () => {
  const counters = createCounters(Number)
  for (const place of [0, 1, 5_000, 99_999]) {
    for (let n = 0; n <= place % 7; n++) counters.count(String(place), 'received')
    counters.count(String(place), 'rejected')
  }
  expect(['0', '1', '5000', '99999', '4999'].map(place => counters.get(place)?.received)).toEqual([1, 2, 3, 5, 0])
  expect(counters.get('99999')).toMatchObject({ rejected: 1, stored: 0, duplicate: 0 })
})

it('goes on from what was kept with the state of a device', () => {
  const before = createCounters(() => 3)
  for (const seq of [1, 2, 9, 5, 0, 1]) {
    before.count('tor-1', 'stored')
    before.sequence('tor-1', seq)
  }
  const state: unknown = JSON.parse(JSON.stringify({ deviceId: 'tor-1', counters: before.stored(3) }))
  const after = createCounters(() => 5)
  // Opening may be tried several times.
  for (let i = 0; i < 2; i++) {
    after.beginRecount()
    after.restore('tor-1', state)
  }
  for (const seq of [2, 4]) {
    before.sequence('tor-1', seq)
    after.sequence('tor-1', seq)
  }
  expect(after.get('tor-1')).toEqual(before.get('tor-1'))
  expect(after.get('tor-1')).toMatchObject({ stored: 6, received: 0 })
  after.takeBack('tor-1')
  expect(after.get('tor-1')?.stored).toBe(5)
  after.count('tor-1', 'stored')
  for (const older of [{}, null, { counters: { stored: -1 } }]) after.restore('tor-1', older)
  expect(after.get('tor-1')?.stored).toBe(6)
})
