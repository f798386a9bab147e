import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { createCounterStore } from '../../../../server/leitstand/counter-store'
import { createCounters } from '../../../../server/fleet/counters'
import type { DocumentChange } from '../../../../server/history/documents'
import { fleetOf } from '../fleet/support'

/** Documents that may fail. */
function createDocuments() {
  const held = new Map<string, string>()
  const self = {
    held, writes: 0, isFull: false,
    all: () => Array.from(held, ([name, body]) => ({ name, body })),
    async write(changes: readonly DocumentChange[]) {
      if (self.isFull) throw new Error('full')
      self.writes++
      for (const { name, body } of changes) {
        if (body === null) held.delete(name)
        else held.set(name, String(body))
      }
    },
  }
  return self
}

function start(documents: ReturnType<typeof createDocuments>, devices: number) {
  const fleet = fleetOf(devices)
  const counters = createCounters(deviceId => fleet.findRecord(deviceId)?.place)
  const keeping = createCounterStore({ fleet, counters, documents })
  keeping.load()
  onTestFinished(() => keeping.stop())
  return { fleet, counters, keeping }
}

describe('what is counted beside the history', () => {
  it('is there after a stop, device by device, and goes on', async () => {
    const documents = createDocuments()
    for (const round of [1, 2]) {
      const { counters, keeping } = start(documents, 3_000)
      for (let n = 0; n < 3_000; n++) for (let i = 0; i <= n % 3; i++) counters.count(`d-${n}`, 'received')
      counters.count('d-7', 'duplicate')
      counters.count('d-8', 'rejected')
      counters.count('d-8', 'rejected')
      expect(counters.get('d-2')).toMatchObject({ received: 3 * round, duplicate: 0, rejected: 0 })
      expect(counters.get('d-7')).toMatchObject({ received: 2 * round, duplicate: round, rejected: 0 })
      expect(counters.get('d-8')).toMatchObject({ received: 3 * round, rejected: 2 * round })
      await keeping.stop()
    }
    expect(documents.held.size).toBeLessThan(1_025)
    expect(start(documents, 3_000).counters.get('d-2999')).toMatchObject({ received: 6 })
  })

  it('is written within a minute, only where something has changed, and again where that failed', async () => {
    vi.useFakeTimers()
    onTestFinished(() => void vi.useRealTimers())
    const documents = createDocuments()
    const { counters } = start(documents, 100)
    counters.count('d-5', 'received')
    await vi.advanceTimersByTimeAsync(60_000)
    expect(start(documents, 100).counters.get('d-5')).toMatchObject({ received: 1 })
    const { writes } = documents
    await vi.advanceTimersByTimeAsync(120_000)
    expect(documents.writes).toBe(writes)

    counters.count('d-5', 'received')
    documents.isFull = true
    await vi.advanceTimersByTimeAsync(60_000)
    documents.isFull = false
    await vi.advanceTimersByTimeAsync(60_000)
    expect(start(documents, 100).counters.get('d-5')).toMatchObject({ received: 2 })
  })

  it('is taken once, however often the history is opened, and goes with a device that is forgotten', async () => {
    const documents = createDocuments()
    const first = start(documents, 2)
    first.counters.count('d-0', 'received')
    first.counters.count('d-1', 'received')
    await first.keeping.stop()
    const { fleet, counters, keeping } = start(documents, 2)
    keeping.load()
    expect(counters.get('d-0')).toMatchObject({ received: 1 })

    fleet.hide('d-0')
    counters.count('d-0', 'received')
    await keeping.stop()
    expect([...documents.held.values()].join('')).toContain('["d-0",2,0,0]')
    counters.clear(fleet.drop('d-0') ?? -1)
    keeping.forget('d-0')
    await keeping.stop()
    expect([...documents.held.values()].join('')).toBe('[["d-1",1,0,0]]')
    expect(start(documents, 2).counters.get('d-0')).toMatchObject({ received: 0 })
  })

  it('is never less than what became of it, and what it cannot read counts for nothing', () => {
    const documents = createDocuments()
    for (let n = 0; n < 1_024; n++) documents.held.set(String(n), n % 2 ? ['[["d-0",-1,0,0]]', '[["d-'][n % 4 >> 1] ?? '' : '[["d-0",5,1,2]]')
    const { counters } = start(documents, 1)
    expect([0, 5]).toContain(counters.get('d-0')?.received)
    const fresh = createCounters(() => 0)
    fresh.restore('d-0', { counters: { stored: 7 } })
    fresh.addBeside('d-0', { received: 5, duplicate: 1, rejected: 2 })
    expect(fresh.get('d-0')).toMatchObject({ received: 10, stored: 7, duplicate: 1, rejected: 2 })
  })
})
