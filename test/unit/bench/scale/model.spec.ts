import { describe, expect, it } from 'vitest'
import type { Costs, StoreCosts } from '../../../../bench/scale/costs'
import { line } from '../../../../bench/scale/fit'
import { mostDevices, planFor } from '../../../../bench/scale/extend'
import { createClock } from '../../../../bench/scale/model/queue'
import { createRandom } from '../../../../bench/scale/model/random'
import { simulate } from '../../../../bench/scale/model/site'
import type { Scenario } from '../../../../bench/scale/model/scenario'
import { createStation } from '../../../../bench/scale/model/station'

const STORE: StoreCosts = { message: 20e-6, commit: 50e-6, hop: 200e-6, keepFixed: 500e-6, keepMessage: 5e-6, beside: 0, pauseEvery: 300, pauseSeconds: 600e-6, threads: 1.2, broker: 10e-6 }
const COSTS: Costs = {
  idle: 0.01, wake: 60e-6, tell: 50e-6, stores: { off: STORE, sqlite: STORE, postgres: STORE },
  viewerWrite: 5e-6, viewerEvent: 0.2e-6, viewerLook: 0.1e-6, databaseCommit: 100e-6, databaseMessage: 2e-6,
  baseBytes: 130e6, deviceBytes: 4_000, deviceHeapBytes: 2_000, viewerBytes: 10_000, diskBytes: { sqlite: 27, postgres: 46 },
}
const SHARES = { take: 1, follow: 0.3 }
const SITE: Scenario = { store: 'postgres', perSecond: 5_000, arrivals: 'random', viewers: 10, batchMs: 0, interest: 1, replicas: 1, shares: SHARES, brokers: 1 }

describe('the clock', () => {
  it('lets things happen in the order of their time, and those of one moment as they were planned', () => {
    const clock = createClock()
    const random = createRandom(7)
    const happened: { at: number, number: number }[] = []
    const planned = Array.from({ length: 2_000 }, (_, number) => ({ at: random.below(300), number }))
    for (const event of planned) clock.after(event.at, () => happened.push({ at: clock.now(), number: event.number }))
    clock.runUntil(300)
    expect(happened).toEqual(planned.toSorted((a, b) => a.at - b.at || a.number - b.number))
  })

  it('does nothing that is due at the end or later, and goes on from there', () => {
    const clock = createClock()
    const happened: number[] = []
    clock.after(1, () => clock.after(1, () => happened.push(clock.now())))
    clock.runUntil(2)
    expect([happened, clock.now()]).toEqual([[], 2])
    clock.runUntil(2.5)
    expect(happened).toEqual([2])
  })

  it.each([-1, Number.NaN])('plans nothing for %s seconds from now', (seconds) => {
    expect(() => createClock().after(seconds, () => {})).toThrow('Nothing can be planned')
  })
})

/** Jobs that come at random, each served for as long: in the books M/D/1. */
function serveAtRandom(perSecond: number, serviceSeconds: number, seconds: number) {
  const clock = createClock()
  const random = createRandom(3)
  let waited = 0
  let served = 0
  const station = createStation<number>({
    clock, most: 1,
    serviceSeconds: () => serviceSeconds,
    onDone: ([cameAt = 0]) => {
      waited += clock.now() - cameAt - serviceSeconds
      served++
    },
  })
  const come = () => {
    station.add(clock.now())
    clock.after(random.exponential(perSecond), come)
  }
  come()
  clock.runUntil(seconds)
  return { utilisation: station.busySeconds() / seconds, waited: waited / served, served }
}

describe('a station', () => {
  it.each([0.3, 0.6, 0.8, 0.9])('that is busy for %s of the time lets jobs wait as long as M/D/1 says', (load) => {
    const serviceSeconds = 0.001
    const { utilisation, waited } = serveAtRandom(load / serviceSeconds, serviceSeconds, 600)
    expect(utilisation).toBeCloseTo(load, 2)
    // Pollaczek and Khinchine: load × service / (2 × (1 − load)).
    expect(waited / (load * serviceSeconds / (2 * (1 - load)))).toBeGreaterThan(0.95)
    expect(waited / (load * serviceSeconds / (2 * (1 - load)))).toBeLessThan(1.05)
  })

  it('takes all that has gathered at once, but no more than it may', () => {
    const clock = createClock()
    const served: number[] = []
    const station = createStation<number>({ clock, most: 4, serviceSeconds: () => 1, onDone: jobs => served.push(jobs.length) })
    for (let i = 0; i < 10; i++) station.add(i)
    clock.runUntil(10)
    expect(served).toEqual([1, 4, 4, 1])
    expect([station.busySeconds(), station.services(), station.waiting()]).toEqual([4, 4, 0])
  })

  it('wakes up only when it had nothing to do, and takes what has come by then', () => {
    const clock = createClock()
    const served: [at: number, jobs: number][] = []
    const station = createStation<number>({ clock, most: 10, wakeSeconds: () => 2, serviceSeconds: jobs => jobs.length, onDone: jobs => served.push([clock.now(), jobs.length]) })
    for (const at of [0, 1, 3.5, 10]) clock.after(at, () => station.add(at))
    clock.runUntil(20)
    expect(served).toEqual([[4, 2], [5, 1], [13, 1]])
    expect(station.busySeconds()).toBe(2 + 2 + 1 + 2 + 1)
  })

  it('stands still while it is interrupted, at work or not', () => {
    const clock = createClock()
    const done: number[] = []
    const station = createStation<number>({ clock, most: 1, serviceSeconds: () => 1, onDone: () => done.push(clock.now()) })
    station.add(1)
    clock.after(0.5, () => station.interrupt(2))
    clock.after(5, () => station.interrupt(3))
    clock.after(6, () => station.add(2))
    clock.runUntil(20)
    expect(done).toEqual([3, 9])
    expect(station.busySeconds()).toBe(1 + 2 + 3 + 1)
  })

  it('is not at work while somebody else has the processor', () => {
    const clock = createClock()
    const done: number[] = []
    const station = createStation<number>({ clock, most: 1, serviceSeconds: () => 1, onDone: () => done.push(clock.now()) })
    station.add(1)
    clock.after(0.5, () => station.interrupt(2, false))
    clock.runUntil(20)
    expect([done, station.busySeconds()]).toEqual([[3], 1])
  })
})

describe('the model', () => {
  it('has the same outcome for the same seed, and another one for another', () => {
    const outcome = simulate(SITE, COSTS, 1, 5)
    expect(simulate(SITE, COSTS, 1, 5)).toEqual(outcome)
    expect(simulate(SITE, COSTS, 1, 6)).not.toEqual(outcome)
  })

  it('lets every message through, and shares of work are what they must be', () => {
    const { perSecond, broker, underway, loop } = simulate(SITE, COSTS, 4)
    expect(perSecond).toBeGreaterThan(4_900)
    expect(perSecond).toBeLessThan(5_100)
    expect(broker).toBeCloseTo(5_000 * STORE.broker, 2)
    expect(underway).toBeLessThan(50)
    // Messages, garbage and viewers alone; waking up and commits come on top.
    expect(loop).toBeGreaterThan(5_000 * (STORE.message + STORE.pauseSeconds / STORE.pauseEvery + 10 * COSTS.viewerEvent))
    expect(loop).toBeLessThan(1)
  })

  it('falls behind where it is asked for more than it can do', () => {
    const { underway, loop } = simulate({ ...SITE, perSecond: 60_000 }, COSTS, 1)
    expect(loop).toBeGreaterThan(0.98)
    expect(underway).toBeGreaterThan(5_000)
  })

  it('shares commits among what gathers while one is under way', () => {
    const quiet = simulate({ ...SITE, perSecond: 100 }, COSTS, 4)
    const busy = simulate({ ...SITE, perSecond: 20_000 }, COSTS, 2)
    expect(quiet.commitsPerSecond).toBeGreaterThan(85)
    expect(busy.commitsPerSecond).toBeLessThan(1 / STORE.keepFixed)
    expect(busy.store).toBeLessThan(1)
  })

  it('has each replica of a cluster take a share and follow everything', () => {
    const alone = simulate(SITE, COSTS, 2)
    const three = simulate({ ...SITE, replicas: 3, viewers: 30 }, COSTS, 2)
    expect(three.perSecond).toBeGreaterThan(4_800)
    expect(three.loop).toBeLessThan(alone.loop)
    expect(three.loop).toBeGreaterThan(COSTS.idle + 5_000 * STORE.message * (1 / 3 + 0.3))
    // A live view that follows the log is later by a commit.
    expect(three.seen.p50Ms).toBeGreaterThan(alone.seen.p50Ms + STORE.keepFixed * 1_000 / 2)
    expect(simulate({ ...SITE, perSecond: 15_000, replicas: 3, shares: { take: 1, follow: 0.9 } }, COSTS, 1).loop).toBeGreaterThan(simulate({ ...SITE, perSecond: 15_000, replicas: 3 }, COSTS, 1).loop)
  })

  it('lets events wait for their batch, and those that somebody alone wants for all of it', () => {
    const together = simulate({ ...SITE, batchMs: 50 }, COSTS, 2)
    const alone = simulate({ ...SITE, batchMs: 50, interest: 0.001, perSecond: 1_000 }, COSTS, 2)
    expect(together.seen.p50Ms).toBeGreaterThan(20)
    expect(together.seen.p50Ms).toBeLessThan(32)
    expect(alone.seen.p50Ms).toBeGreaterThan(49)
  })
})

describe('plans', () => {
  it('take one process where one is enough, and more where it is not', () => {
    const small = planFor({ devices: 10_000, everySeconds: 60 }, COSTS, SHARES)
    const large = planFor({ devices: 500_000, everySeconds: 10 }, COSTS, SHARES)
    expect([small.replicas, small.fits]).toEqual([1, true])
    expect(large.replicas).toBeGreaterThan(small.replicas)
  })

  it('say when no number of replicas is enough, and what stands in the way', () => {
    expect(planFor({ devices: 100_000_000, everySeconds: 10 }, COSTS, SHARES)).toMatchObject({ fits: false })
    expect(planFor({ devices: 3_000_000, everySeconds: 100_000 }, COSTS, SHARES)).toMatchObject({ fits: false, first: 'memory' })
    expect(planFor({ devices: 1_000_000, everySeconds: 5 }, { ...COSTS, stores: { ...COSTS.stores, postgres: { ...STORE, message: 0, keepMessage: 10e-6 } } }, { take: 0, follow: 0 })).toMatchObject({ fits: false, first: 'log' })
  })

  it('find the largest installation: it fits, and a tenth more does not', () => {
    for (const everySeconds of [10, 60]) {
      const most = mostDevices(everySeconds, COSTS, SHARES)
      expect(most.fits).toBe(true)
      expect(planFor({ devices: most.devices * 1.12, everySeconds }, COSTS, SHARES).fits).toBe(false)
    }
  })

  it('put a straight line through points', () => {
    expect(line([[1, 3], [2, 5], [4, 9]])).toEqual([1, 2])
    expect(line([[1, 5], [2, 4]])[1]).toBe(0)
    expect(line([[1, 1], [2, 3]])[0]).toBe(0)
    expect(line([])).toEqual([0, 0])
  })
})
