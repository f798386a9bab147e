import { describe, expect, it } from 'vitest'
import type { DeviceState } from '#shared/schemas/device'
import { ownInterval } from '../../../../../server/fleet/presence/own-interval'
import { CHANGES_PER_SWEEP, createPresence } from '../../../../../server/fleet/presence/presence'
import { byChance, createDice, createSite, DAY, every, HOUR, inBursts, jittery, losing, MINUTE, SECOND, START } from './simulated-site'
import type { Dice, Habit } from './simulated-site'
import { status, telemetry } from '../support'

const dice = createDice(5)
const wrote = (word: string, given = {}) => ({ ...status('d', word), ...given })

/** How long after its last message a device is called silent, in milliseconds; it speaks for `forMs` first. */
function silenceAfter(habit: Habit, forMs: number, sweepEveryMs = 250) {
  const site = createSite({ sweepEveryMs })
  let lastMs = START
  site.speak('d', (last) => {
    lastMs = last
    return habit(last)
  })
  site.pass(forMs)
  site.fallSilent('d')
  site.pass(4 * SECOND * (site.intervalOf('d') ?? Number.NaN))
  const silent = site.changes.find(({ presence }) => presence === 'silent')
  return { interval: SECOND * (site.intervalOf('d') ?? Number.NaN), story: site.story('d'), silentAfterMs: (silent?.atMs ?? Number.NaN) - lastMs }
}

/** Speaks so often, and then no more. */
function habitFor(habit: Habit, messages: number): Habit {
  let left = messages - 1
  return last => left-- > 0 ? habit(last) : Infinity
}

describe('a device that falls silent', () => {
  // Habit, for how long, its own interval in seconds: from, to.
  it.each<[string, Habit, number, number, number]>([
    ['reporting every second, for 12 s', every(SECOND), 12 * SECOND, 1, 1],
    ['reporting every second, for an hour', every(SECOND), HOUR, 1, 1],
    ['reporting every 10 minutes', every(10 * MINUTE), 2 * HOUR, 600, 600],
    ['reporting five times a second: intervals have a floor', every(200), 30 * SECOND, 1, 1],
    ['in bursts of 5 within a second, every 5 minutes', inBursts(5 * MINUTE, 5), 2 * HOUR, 300, 300],
    ['jittery by half, every 10 s', jittery(10 * SECOND, dice), 2 * HOUR, 9, 11],
    ['jittery by half, every minute, losing one in twenty', losing(jittery(MINUTE, dice), dice), DAY, 150, 360],
    ['by chance, once a minute on average', byChance(MINUTE, dice), DAY, 300, 900],
  ])('is late and then silent within three of its own intervals: %s', (_, habit, forMs, from, to) => {
    const { interval, story, silentAfterMs } = silenceAfter(habit, forMs)
    expect(interval / SECOND).toBeGreaterThanOrEqual(from)
    expect(interval / SECOND).toBeLessThanOrEqual(to)
    expect(story.slice(-2)).toEqual(['late', 'silent'])
    expect(silentAfterMs).toBeGreaterThan(interval)
    expect(silentAfterMs).toBeLessThanOrEqual(3 * interval)
  })

  it('is live again with its first message, and the absence is not learned', () => {
    const site = createSite()
    site.speak('d', every(30 * SECOND))
    site.pass(HOUR)
    site.fallSilent('d')
    site.pass(5 * HOUR)
    site.speak('d', every(30 * SECOND))
    site.pass(HOUR)
    expect(site.story('d')).toEqual(['live', 'late', 'silent', 'live'])
    expect(site.intervalOf('d')).toBe(30)
  })

  it('is noticed although very many fall silent at once, not more than so many at a time', () => {
    const site = createSite()
    const devices = CHANGES_PER_SWEEP + 10
    for (let n = 0; n < devices; n++) site.speak(`d-${n}`, every(10 * SECOND))
    site.pass(2 * MINUTE)
    for (let n = 0; n < devices; n++) site.fallSilent(`d-${n}`)
    // Late after one and a half intervals.
    site.pass(14.75 * SECOND)
    const before = site.changes.length
    expect(site.presence.sweep(site.now() + 250)).toBe(true)
    expect(site.changes.length - before).toBe(CHANGES_PER_SWEEP)
    expect(site.presence.sweep(site.now() + 250)).toBe(false)
    expect(site.changes.length - before).toBe(devices)
    site.pass(15 * SECOND)
    expect(site.of('d-0')).toBe('silent')
    expect(site.of(`d-${devices - 1}`)).toBe('silent')
  })
})

describe('a device of which twenty gaps are known and that loses nothing', () => {
  const gauss = (dice: Dice) => Math.sqrt(-2 * Math.log(1 - dice())) * Math.cos(2 * Math.PI * dice())
  const spread = (by: number) => (dice: Dice): Habit => last => last + MINUTE * (1 - by + 2 * by * dice())
  const bell = (deviation: number) => (dice: Dice): Habit => last => last + MINUTE * Math.max(0.05, 1 + deviation * gauss(dice))

  it.each<[string, (dice: Dice) => Habit]>([
    ['±20 %', spread(0.2)],
    ['±30 %', spread(0.3)],
    ['±40 %', spread(0.4)],
    ['with a standard deviation of 15 %', bell(0.15)],
    ['with a standard deviation of 20 %', bell(0.2)],
  ])('is silent within three intervals: gaps %s', (_, habitOf) => {
    for (const gaps of [20, 30, 60, 120]) {
      for (let seed = 1; seed <= 20; seed++) {
        const habit = habitOf(createDice(seed))
        const { silentAfterMs } = silenceAfter(habitFor(habit, gaps + 1), 2 * gaps * MINUTE)
        expect(silentAfterMs).toBeLessThanOrEqual(3 * MINUTE)
      }
    }
  })

  it('is given more time where messages of others get lost', () => {
    const known = [20, MINUTE, 0.24, 1.45 * MINUTE] as const
    expect(ownInterval(...known, false)).toBeLessThan(MINUTE)
    expect(ownInterval(...known, true)).toBeGreaterThan(2 * MINUTE)
  })
})

describe('a device that changes its habits', () => {
  it.each([[10 * SECOND, 10 * MINUTE], [10 * MINUTE, 10 * SECOND], [10 * SECOND, 20 * SECOND]])('every %i ms, then every %i ms', (before, after) => {
    const site = createSite()
    site.speak('d', every(before))
    site.pass(50 * before)
    site.speak('d', every(after))
    site.pass(400 * after)
    const silences = site.changes.filter(({ presence }) => presence === 'silent')
    expect(silences.length).toBeLessThanOrEqual(2)
    expect(site.of('d')).toBe('live')
    expect(site.intervalOf('d')).toBeGreaterThan(0.85 * after / SECOND)
    expect(site.intervalOf('d')).toBeLessThan(1.15 * after / SECOND)
  })
})

describe('a device that speaks only when something happens', () => {
  it('does not flap: a door used twice a day, some days not', () => {
    const site = createSite({ sweepEveryMs: MINUTE })
    const people = createDice(11)
    // Opened and closed again within a minute.
    let opening = true
    site.speak('d', (last) => {
      opening = !opening
      return last + (opening ? (2 + 20 * people()) * HOUR : (5 + 50 * people()) * SECOND)
    })
    site.pass(60 * DAY)
    expect(site.story('d')).toEqual(['live'])
  })

  it('does not flap: somebody walks by every few minutes, but not at night', () => {
    const site = createSite({ sweepEveryMs: MINUTE })
    const people = createDice(12)
    site.speak('d', (last) => {
      const at = last - 4 * MINUTE * Math.log(1 - people())
      const isNight = (at / HOUR) % 24 > 20
      return isNight ? at + 10 * HOUR : at
    })
    site.pass(28 * DAY)
    // One night has to be the first.
    expect(site.changes.filter(({ presence }) => presence === 'silent').length).toBeLessThanOrEqual(4)
    expect(site.changes.filter(({ presence, atMs }) => presence === 'silent' && atMs > START + 7 * DAY)).toEqual([])
  })

  it('is silent in the end', () => {
    const site = createSite({ sweepEveryMs: MINUTE })
    site.presence.heard('d', START)
    site.pass(25 * HOUR - MINUTE)
    expect(site.of('d')).toBe('live')
    site.pass(2 * MINUTE)
    expect(site.of('d')).toBe('silent')
  })
})

describe('what is no sign of life', () => {
  it('is a replayed message', () => {
    const site = createSite()
    site.presence.take(telemetry('d', { n: 1 }, { replayed: true }), START)
    site.presence.take(wrote('open', { replayed: true }), START)
    expect(site.story('d')).toEqual(['unknown'])
    site.presence.take(telemetry('d', { n: 2 }), START)
    expect(site.of('d')).toBe('live')
  })

  it('is a replayed message of a silent device', () => {
    const site = createSite()
    site.speak('d', every(SECOND))
    site.pass(MINUTE)
    site.fallSilent('d')
    site.pass(MINUTE)
    site.presence.take(telemetry('d', { n: 1 }, { replayed: true }), site.now())
    site.pass(MINUTE)
    expect(site.story('d')).toEqual(['live', 'late', 'silent'])
  })

  it('is a last will, live or replayed', () => {
    for (const given of [{}, { replayed: true }]) {
      const site = createSite()
      site.presence.take(wrote('offline', given), START)
      site.pass(DAY)
      expect(site.story('d')).toEqual(['offline'])
    }
  })

  it('is a state that was deleted', () => {
    const site = createSite()
    site.presence.take(status('d', null), START)
    expect(site.of('d')).toBe('unknown')
  })
})

describe('a device that is offline by its own word', () => {
  it('is live again with what it says next', () => {
    for (const word of [wrote('online'), telemetry('d', { n: 1 })]) {
      const site = createSite()
      site.presence.take(wrote('offline'), START)
      site.presence.take(word, START)
      expect(site.story('d')).toEqual(['offline', 'live'])
    }
  })

  it('is what the clock says of it when only the word is taken back', () => {
    const site = createSite()
    site.speak('d', every(SECOND))
    site.pass(MINUTE)
    site.fallSilent('d')
    site.presence.take(wrote('offline'), site.now())
    site.pass(SECOND)
    site.presence.take(wrote('online', { replayed: true }), site.now())
    site.pass(10 * SECOND)
    expect(site.story('d')).toEqual(['live', 'offline', 'late', 'silent'])
  })
})

describe('after a restart', () => {
  const kept: DeviceState = {
    deviceId: 'd', lastSeen: new Date(START - HOUR).toISOString(), lastTelemetry: telemetry('d', { n: 1 }), values: {}, state: null, clock: 'ok', intervalSeconds: 30,
  }

  it('a device is unknown until it is heard, but its interval is known', () => {
    const site = createSite()
    site.presence.restore(kept)
    site.presence.take(telemetry('d', { n: 1 }, { replayed: true }), START)
    site.pass(HOUR)
    expect(site.story('d')).toEqual(['unknown'])
    expect(site.intervalOf('d')).toBe(30)
    site.presence.heard('d', site.now())
    site.pass(91 * SECOND)
    expect(site.story('d')).toEqual(['unknown', 'live', 'late', 'silent'])
  })

  it('a device that had signed off still has', () => {
    const site = createSite()
    const at = new Date(START - HOUR).toISOString()
    site.presence.restore({ ...kept, state: { status: 'offline', updatedAt: at, receivedAt: at } })
    expect(site.story('d')).toEqual(['offline'])
  })

  it('messages that were kept teach the interval', () => {
    const site = createSite()
    for (let n = 20; n > 0; n--) {
      const at = new Date(START - MINUTE - n * 10 * SECOND).toISOString()
      site.presence.learn(telemetry('d', { n }, { ts: at, receivedAt: at }))
    }
    expect(site.story('d')).toEqual(['unknown'])
    site.presence.heard('d', START)
    expect(site.intervalOf('d')).toBe(10)
  })
})

describe('when nobody could listen', () => {
  it('time does not count: the broker was away for an hour', () => {
    const site = createSite()
    site.speak('d', every(30 * SECOND))
    site.pass(10 * MINUTE)
    site.presence.listen(false, site.now())
    site.fallSilent('d')
    site.pass(HOUR)
    site.presence.listen(true, site.now())
    site.pass(29 * SECOND)
    site.speak('d', every(30 * SECOND))
    site.pass(10 * MINUTE)
    expect(site.story('d')).toEqual(['live'])
    expect(site.intervalOf('d')).toBe(30)
  })

  it('time does not count: the server was held up, or the computer asleep', () => {
    const site = createSite()
    site.speak('d', every(SECOND))
    site.pass(MINUTE)
    for (const ms of [3 * SECOND, HOUR]) {
      site.stall(ms)
      site.pass(MINUTE)
    }
    expect(site.story('d')).toEqual(['live'])
  })

  it.each([-DAY, -5 * SECOND, 5 * SECOND, DAY, 400 * DAY])('the computer’s clock is set by %i ms: no device has done anything', (ms) => {
    const site = createSite()
    site.speak('fast', every(SECOND))
    site.speak('slow', every(10 * MINUTE))
    site.pass(2 * HOUR)
    site.setClock(ms)
    site.pass(2 * HOUR)
    expect(site.story('fast')).toEqual(['live'])
    expect(site.story('slow')).toEqual(['live'])
    site.fallSilent('fast')
    site.pass(3 * SECOND)
    expect(site.of('fast')).toBe('silent')
  })
})

describe('an interval that somebody has decided', () => {
  it('counts instead of the learned one, and may be decided anew', () => {
    let seconds: number | undefined = 60
    const site = createSite({ intervalOf: () => seconds })
    site.speak('d', every(SECOND))
    site.pass(MINUTE)
    site.fallSilent('d')
    site.pass(2 * MINUTE)
    expect(site.of('d')).toBe('late')
    expect(site.intervalOf('d')).toBe(60)
    site.pass(MINUTE)
    expect(site.of('d')).toBe('silent')
    seconds = 3_600
    site.presence.reconsider(site.now())
    expect(site.of('d')).toBe('live')
    seconds = undefined
    site.presence.reconsider(site.now())
    expect(site.of('d')).toBe('silent')
    expect(site.intervalOf('d')).toBe(1)
  })
})

describe('a thousand jittery devices for a day', () => {
  it.each([1, 2, 3])('none of them is ever called silent (seed %i)', (seed) => {
    const dice = createDice(seed)
    const site = createSite({ sweepEveryMs: SECOND })
    const habits = [jittery, byChance, (ms: number) => losing(jittery(ms, dice), dice), (ms: number) => losing(byChance(ms, dice), dice), (ms: number) => inBursts(ms * (0.9 + 0.2 * dice()), 5)]
    for (let n = 0; n < 1_000; n++) {
      // From ten seconds to ten minutes, every magnitude equally often.
      const ms = 10 * SECOND * 60 ** dice()
      site.speak(`d-${n}`, habits[n % habits.length]?.(ms, dice) ?? every(ms))
    }
    site.pass(DAY)
    expect(site.changes.filter(({ presence }) => presence === 'silent')).toEqual([])
    expect(new Set(site.changes.map(({ deviceId }) => deviceId)).size).toBe(1_000)
  }, 60_000)
})

describe('the counts', () => {
  it('hold every device once, wherever it has gone', () => {
    const presence = createPresence({ onChange: () => {}, startMs: START })
    presence.listen(true, START)
    presence.take({ ...telemetry('a', {}), receivedAt: new Date(START).toISOString() }, START)
    presence.take(status('b', 'offline'), START)
    presence.take({ ...telemetry('c', {}), replayed: true }, START)
    expect(presence.counts()).toEqual({ live: 1, late: 0, silent: 0, offline: 1, unknown: 1 })
    presence.take(status('a', 'offline'), START + SECOND)
    expect(presence.counts()).toEqual({ live: 0, late: 0, silent: 0, offline: 2, unknown: 1 })
    presence.forget('c')
    expect(presence.counts()).toEqual({ live: 0, late: 0, silent: 0, offline: 2, unknown: 0 })
  })
})

describe('a device that was forgotten', () => {
  it('says nothing any more, and begins anew when it is heard again', () => {
    const site = createSite()
    for (const deviceId of ['d', 'e']) site.speak(deviceId, every(10 * SECOND))
    site.pass(10 * MINUTE)
    site.fallSilent('d')
    site.presence.forget('d')
    site.presence.forget('nobody')
    const before = site.changes.length
    site.presence.reconsider(site.now())
    site.pass(10 * MINUTE)
    expect(site.changes.slice(before)).toEqual([])
    // Its number is given to the next one.
    site.speak('f', every(30 * SECOND))
    site.speak('d', every(20 * SECOND))
    site.pass(10 * MINUTE)
    expect(site.of('f')).toBe('live')
    expect(site.intervalOf('f')).toBe(30)
    expect(site.intervalOf('d')).toBe(20)
    expect(site.intervalOf('e')).toBe(10)
    expect(site.changes.every(({ deviceId }) => deviceId !== '')).toBe(true)
  })
})
