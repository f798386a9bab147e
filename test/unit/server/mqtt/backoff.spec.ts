import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { createBackoff } from '../../../../server/mqtt/backoff'

beforeEach(() => {
  vi.useFakeTimers()
  vi.spyOn(Math, 'random').mockReturnValue(1)
})
afterEach(() => {
  vi.useRealTimers()
  vi.restoreAllMocks()
})

/** How long each of some retries waited, in milliseconds. */
function waits(times: number, isSentAway: boolean, retry = createBackoff()): number[] {
  return Array.from({ length: times }, () => {
    const begun = Date.now()
    let waited = -1
    retry.schedule(() => void (waited = Date.now() - begun), isSentAway)
    vi.runAllTimers()
    return waited
  })
}

describe('the delay before the next attempt', () => {
  it('stays within seconds while nothing answers', () => {
    expect(waits(7, false)).toEqual([250, 500, 1_000, 2_000, 3_000, 3_000, 3_000])
  })

  it('grows to minutes where the connection comes about and is closed again', () => {
    expect(waits(8, true)).toEqual([250, 750, 2_250, 6_750, 20_250, 60_750, 120_000, 120_000])
  })

  it('is short again after a good connection', () => {
    const retry = createBackoff()
    waits(8, true, retry)
    retry.reset()
    expect(waits(1, false, retry)).toEqual([250])
  })
})
