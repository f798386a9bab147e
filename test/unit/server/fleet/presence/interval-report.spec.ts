import { describe, expect, it } from 'vitest'
import type { DeviceState } from '#shared/schemas/device'
import { withPresence } from '#shared/device/device-state'
import { createReportingIntervals } from '../../../../../server/fleet/presence/reporting-interval'
import { judgedIntervalMs, restoreInterval, reportedInterval } from '../../../../../server/fleet/presence/interval-report'
import { byChance, createDice, createSite, DAY, every, HOUR, inBursts, jittery, losing, MINUTE, SECOND, START } from './simulated-site'
import type { Habit } from './simulated-site'
import { telemetry } from '../support'

/** A site with one device that has spoken by its habit, and what was told of it last. */
function heard(habit: Habit, forMs: number) {
  const site = createSite()
  site.speak('d', habit)
  site.pass(forMs)
  const told = site.changes.findLast(({ deviceId }) => deviceId === 'd')
  if (!told) throw new Error('nothing was told')
  return { site, told }
}

/** How long after its last message a device is called silent, to the quarter of a second in which that is looked for. */
function silentAfter({ presence, changes, pass, now }: ReturnType<typeof createSite>, limitSeconds: number) {
  const lastMs = now()
  presence.heard('d', lastMs)
  pass((limitSeconds + 1) * SECOND)
  return ((changes.findLast(change => change.presence === 'silent')?.atMs ?? Number.NaN) - lastMs) / SECOND
}

const kept = (given: Partial<DeviceState>): DeviceState => ({
  deviceId: 'd', lastSeen: new Date(START - HOUR).toISOString(), lastTelemetry: telemetry('d', { n: 1 }), values: {}, state: null, clock: 'ok', ...given,
})

describe('what is told of a device', () => {
  it.each<[string, Habit, number, number, number]>([
    // Habit, for how long, the mean of its gaps in seconds: from, to.
    ['reporting every 10 s', every(10 * SECOND), HOUR, 10, 10],
    ['reporting five times a second', every(200), MINUTE, 0.2, 0.2],
    ['in bursts of 5 within a second, every 5 minutes', inBursts(5 * MINUTE, 5), 4 * HOUR, 290, 310],
    ['jittery by half, every 10 s', jittery(10 * SECOND, createDice(1)), DAY, 8.5, 11.5],
    ['losing one in twenty', losing(jittery(MINUTE, createDice(2)), createDice(3)), DAY, 50, 75],
    ['by chance, once a minute on average', byChance(MINUTE, createDice(4)), DAY, 40, 100],
  ])('is the interval as it was heard, and beside it the limit that holds: %s', (_, habit, forMs, from, to) => {
    const { site, told } = heard(habit, forMs)
    expect(told.intervalSeconds).toBeGreaterThanOrEqual(from)
    expect(told.intervalSeconds).toBeLessThanOrEqual(to)
    site.fallSilent('d')
    site.pass(4 * HOUR)
    const silent = site.changes.at(-1)
    expect(silent?.presence).toBe('silent')
    // It was told to within 15 % before, and is told exactly when it is reached.
    expect(silent?.silentAfterSeconds).toBeGreaterThan((told.silentAfterSeconds ?? 0) / 1.15)
    expect(silent?.silentAfterSeconds).toBeLessThan((told.silentAfterSeconds ?? 0) * 1.15)
  })

  it('is a limit alone before anything is learned, and where nothing can be', () => {
    const { told } = heard(every(HOUR), 3 * HOUR)
    expect(told).toMatchObject({ silentAfterSeconds: 25 * 3_600 })
    expect(told).not.toHaveProperty('intervalSeconds')
    const people = createDice(12)
    const passages = heard((last) => {
      const at = last - 4 * MINUTE * Math.log(1 - people())
      const isNight = (at / HOUR) % 24 > 20
      return isNight ? at + 10 * HOUR : at
    }, 3 * DAY)
    const limits = passages.site.changes.flatMap(({ intervalSeconds, silentAfterSeconds }) => intervalSeconds === undefined ? [silentAfterSeconds] : [])
    expect([...new Set(limits)]).toEqual([25 * 3_600, 72 * 3_600])
  })

  it('is the decided interval until enough gaps are known, and then how often it speaks', () => {
    const site = createSite({ intervalOf: () => 60 })
    site.speak('d', every(SECOND))
    site.pass(5 * SECOND)
    expect(site.changes.at(-1)).toMatchObject({ intervalSeconds: 60, silentAfterSeconds: 165 })
    site.pass(MINUTE)
    expect(site.changes.at(-1)).toMatchObject({ intervalSeconds: 1, silentAfterSeconds: 165 })
  })

  it('is told anew when the limit has changed, and hardly ever because a mean wanders', () => {
    const dice = createDice(1)
    const site = createSite({ sweepEveryMs: SECOND })
    for (let n = 0; n < 200; n++) site.speak(`d-${n}`, byChance(10 * SECOND * 60 ** dice(), dice))
    site.pass(DAY)
    const limits = new Map<string, number | undefined>()
    const wandered = site.changes.filter(({ deviceId, silentAfterSeconds = 0, isTurn }) => {
      const before = limits.get(deviceId) ?? 0
      limits.set(deviceId, silentAfterSeconds)
      return !isTurn && silentAfterSeconds < before * 1.14 && silentAfterSeconds > before / 1.14
    })
    expect(site.changes.length).toBeGreaterThan(1_000)
    expect(wandered.length).toBeLessThan(5)
  })
})

describe('a rhythm that comes back', () => {
  it.each<[string, Habit]>([
    ['like clockwork', every(10 * SECOND)],
    ['jittery, and so young that it is given more', jittery(10 * SECOND, createDice(6))],
    ['by chance', byChance(MINUTE, createDice(7))],
  ])('after a restart has the same limit and the same interval: %s', (_, habit) => {
    const before = heard(habit, 6 * HOUR).told
    const site = createSite()
    site.presence.restore(withPresence(kept({}), before))
    const { intervalSeconds, silentAfterSeconds } = before
    expect(site.changes.at(-1)).toMatchObject({ presence: 'unknown', intervalSeconds, silentAfterSeconds })
    const limit = silentAfterSeconds ?? Number.NaN
    const found = silentAfter(site, limit)
    expect(found).toBeGreaterThanOrEqual(limit)
    expect(found).toBeLessThanOrEqual(limit + 0.5)
  })

  it('from a file that was written before has the limit of the interval that stood there', () => {
    const site = createSite()
    site.presence.restore(kept({ intervalSeconds: 24 }))
    expect(site.changes.at(-1)).toMatchObject({ intervalSeconds: 24, silentAfterSeconds: 66 })
    expect(silentAfter(site, 66)).toBe(66)
  })

  it('without an interval is learned as that of a new device', () => {
    const site = createSite()
    site.presence.restore(kept({ silentAfterSeconds: 72 * 3_600 }))
    expect(site.changes.at(-1)).toMatchObject({ silentAfterSeconds: 25 * 3_600 })
    expect(site.changes.at(-1)).not.toHaveProperty('intervalSeconds')
  })

  it('at a replica that leads from then on has the limit that was told', () => {
    const site = createSite()
    site.presence.follow({ deviceId: 'd', presence: 'live', since: new Date(START).toISOString(), intervalSeconds: 10, silentAfterSeconds: 66 })
    expect(site.changes).toEqual([])
    site.pass(67 * SECOND)
    expect(site.changes).toMatchObject([{ presence: 'late' }, { presence: 'silent', atMs: START + 66 * SECOND, intervalSeconds: 10, silentAfterSeconds: 66 }])
  })

  it('goes on from the mean that was told', () => {
    const intervals = createReportingIntervals()
    intervals.add(0, START)
    restoreInterval(intervals, 0, START, { intervalSeconds: 10, silentAfterSeconds: 66 })
    for (let n = 1; n <= 100; n++) intervals.hear(0, START + n * 10 * SECOND)
    expect(reportedInterval(intervals, 0).intervalSeconds).toBe(10)
  })
})

it('the interval that a device is judged by is that of its limit, as it stood alone before', () => {
  expect(judgedIntervalMs({ intervalSeconds: 10, silentAfterSeconds: 66 })).toBe(24_000)
  expect(judgedIntervalMs({ intervalSeconds: 24 })).toBe(24_000)
  expect(judgedIntervalMs({ silentAfterSeconds: 90_000 })).toBeUndefined()
  expect(judgedIntervalMs({})).toBeUndefined()
})
