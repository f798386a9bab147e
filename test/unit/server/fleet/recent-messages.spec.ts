import { describe, expect, it } from 'vitest'
import { createRecentMessages } from '../../../../server/fleet/recent-messages'
import { telemetry } from './support'

function createHarness(budget: number) {
  const recent = createRecentMessages(budget)
  return {
    add: (deviceId: string, n: number) => recent.add(deviceId, JSON.stringify(telemetry(deviceId, { n }))),
    numbers: (deviceId: string) => recent.of(deviceId).map(({ metrics }) => metrics.n),
  }
}
const BYTES = JSON.stringify(telemetry('a', { n: 1 })).length

describe('recent messages', () => {
  it('are the last twenty of a device, newest first', () => {
    const { add, numbers } = createHarness(100_000)
    for (let n = 0; n < 50; n++) add('a', n)
    expect(numbers('a')).toEqual(Array.from({ length: 20 }, (_, i) => 49 - i))
    expect(numbers('b')).toEqual([])
  })

  it('go on across the moment in which the older half is given up', () => {
    const { add, numbers } = createHarness(BYTES * 20)
    for (let n = 0; n < 12; n++) add('a', n % 10)
    expect(numbers('a')).toEqual([1, 0, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0])
  })

  it('never take more than the budget, and always have the newest of what fits', () => {
    const { add, numbers } = createHarness(BYTES * 10)
    for (let n = 0; n < 100; n++) {
      add(`d-${n}`, 1)
      const kept = Array.from({ length: n + 1 }, (_, i) => n - i).filter(i => numbers(`d-${i}`).length > 0)
      expect(kept.length).toBeGreaterThanOrEqual(Math.min(n + 1, 4))
      expect(kept.length).toBeLessThanOrEqual(12)
      expect(kept).toEqual(kept.map((_, i) => n - i))
    }
  })

  it('do not keep what alone would fill it', () => {
    const { add, numbers } = createHarness(BYTES)
    add('a', 1)
    expect(numbers('a')).toEqual([])
  })
})
