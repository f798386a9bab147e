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

it('keeps many devices apart', () => {
  const counters = createCounters(Number)
  for (const place of [0, 1, 5_000, 99_999]) {
    for (let n = 0; n <= place % 7; n++) counters.count(String(place), 'received')
    counters.count(String(place), 'rejected')
  }
  expect(['0', '1', '5000', '99999', '4999'].map(place => counters.get(place)?.received)).toEqual([1, 2, 3, 5, 0])
  expect(counters.get('99999')).toMatchObject({ rejected: 1, stored: 0, duplicate: 0 })
})
