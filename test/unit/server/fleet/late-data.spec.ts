import type { Telemetry } from '#shared/schemas/telemetry'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { createFleet } from '../../../../server/fleet/fleet'
import { createLateData } from '../../../../server/fleet/late-data'

const NOON = Date.parse('2026-11-27T12:00:00.000Z')
const SECOND = 1_000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR
/** Long enough for a message to have stayed alone. */
const ALONE = 2_500

beforeEach(() => void vi.useFakeTimers({ now: NOON }))
afterEach(() => void vi.useRealTimers())

/** One device, and what is shown of it. */
function site({ intervalMs, ...options }: { intervalMs?: number, maxWatched?: number } = {}) {
  const fleet = createFleet({ devices: 100, metricsPerMessage: 10, fleetBytes: 100_000 })
  const late: (string | number | boolean | undefined)[] = []
  const again: unknown[] = []
  const data = createLateData({
    intervalOf: () => intervalMs,
    onNewest(telemetry) {
      again.push(telemetry.metrics.x)
      fleet.applyTelemetry({ ...telemetry, late: false }, 0)
    },
    ...options,
  })
  return {
    late, again, data,
    /** @param agoMs How long before now the device says that it measured; null: it does not say. */
    say(x: string | number, agoMs: number | null, given: Partial<Telemetry> = {}, deviceId = 'd') {
      const receivedAt = new Date().toISOString()
      const ts = agoMs === null ? receivedAt : new Date(Date.now() - agoMs).toISOString()
      const telemetry: Telemetry = { deviceId, ts, receivedAt, metrics: { x }, ...given }
      const held = fleet.findRecord(deviceId)?.lastTelemetry
      if (data.isLate(telemetry, held, Date.now())) {
        telemetry.late = true
        late.push(x)
      }
      fleet.applyTelemetry(telemetry, 0)
    },
    wait: (ms: number) => void vi.advanceTimersByTime(ms),
    shown: (deviceId = 'd') => fleet.get(deviceId)?.values.x?.value,
  }
}

describe('the verdict on order', () => {
  it('takes messages that rise, or share a time, as they come', () => {
    const { say, wait, shown, late } = site()
    for (let n = 0; n < 5; n++) {
      say(n, 0)
      wait(SECOND)
    }
    say('open', 30 * SECOND, { ts: '2026-11-27T12:00:30Z' })
    say('closed', 30 * SECOND, { ts: '2026-11-27T12:00:30Z' })
    say('open', 30 * SECOND, { ts: '2026-11-27T12:00:30Z' })
    expect(shown()).toBe('open')
    expect(late).toEqual([])
  })

  it.each([['minutes', 7 * MINUTE], ['hours', 5 * HOUR], ['years', 3 * 365 * DAY]])('shows the first message after a clock stepped back by %s, when it comes alone', (_, back) => {
    const { say, wait, shown } = site()
    for (let n = 0; n < 5; n++) {
      say('closed', 0)
      wait(10 * SECOND)
    }
    say('open', back)
    wait(ALONE)
    expect(shown()).toBe('open')
  })

  it('shows a message that came alone although those before it came in one burst', () => {
    const { say, wait, shown } = site()
    for (let n = 5; n > 0; n--) say('closed', n * MINUTE)
    say('open', 2 * HOUR)
    wait(250)
    expect(shown()).toBe('open')
  })

  it('goes on with a clock that stepped back, and with one that is put right', () => {
    const { say, wait, shown, late } = site()
    for (let n = 0; n < 3; n++) {
      say(`right ${n}`, 0)
      wait(SECOND)
    }
    for (let n = 0; n < 20; n++) {
      say(`back ${n}`, HOUR)
      wait(SECOND)
      expect(shown()).toBe(`back ${n}`)
    }
    say('right again', 0)
    expect(shown()).toBe('right again')
    expect(late).toEqual(['back 0'])
  })

  it.each([['a backlog', MINUTE, 5], ['a slow one', MINUTE, 900], ['a dense one', 200, 1]])('shows nothing of %s that comes behind a live message', (_, apart, every) => {
    const { say, wait, shown, late, again } = site({ intervalMs: apart < SECOND ? SECOND : MINUTE })
    for (let n = 5; n > 0; n--) {
      say('live', 0)
      wait(MINUTE)
    }
    say('live', 0)
    wait(every)
    for (let n = 0; n < 100; n++) {
      say(n, 3 * HOUR - n * apart + n * every)
      wait(every)
    }
    wait(ALONE)
    expect(shown()).toBe('live')
    expect(late).toHaveLength(100)
    expect(again).toEqual([])
    say('live again', 0)
    expect(shown()).toBe('live again')
  })

  it('shows nothing of a backlog whose measurements are spread over several messages of one time', () => {
    const { say, wait, shown } = site()
    say('live', 0)
    for (let n = 0; n < 30; n++) {
      for (let part = 0; part < 3; part++) {
        say(`${n}.${part}`, 0, { ts: new Date(NOON - HOUR + n * MINUTE).toISOString() })
        wait(1)
      }
    }
    wait(ALONE)
    expect(shown()).toBe('live')
  })

  it('shows every metric of a clock that stepped back, where each comes in a message of its own', () => {
    const { say, wait, shown } = site()
    say('closed', 0)
    wait(10 * SECOND)
    const ts = new Date(NOON - HOUR).toISOString()
    say('open', 0, { ts })
    for (const y of [1, 2, 3, 4]) say(0, 0, { ts, metrics: { [`y${y}`]: y } })
    wait(ALONE)
    expect(shown()).toBe('open')
  })

  it('lets messages that overtook each other go by their times', () => {
    const { say, wait, shown, late } = site()
    say('a', 10 * SECOND)
    say('c', 6 * SECOND)
    say('b', 8 * SECOND)
    wait(ALONE)
    expect(shown()).toBe('c')
    say('d', 4 * SECOND)
    expect(shown()).toBe('d')
    expect(late).toEqual(['b'])
  })

  it('shows the third message at the latest of a clock that stepped back by a few seconds', () => {
    const { say, wait, shown } = site()
    for (let n = 0; n < 3; n++) {
      say(n, 0)
      wait(SECOND)
    }
    for (let n = 0; n < 3; n++) {
      say(`back ${n}`, 4 * SECOND)
      wait(SECOND)
    }
    expect(shown()).toBe('back 2')
  })

  it('shows the third message at the latest of times that fall', () => {
    const { say, wait, shown } = site()
    say('live', 0)
    for (let n = 1; n <= 3; n++) {
      say(n, n * HOUR)
      wait(10)
    }
    expect(shown()).toBe(3)
  })

  it('takes a message without a time as the newest, whatever the server’s clock does', () => {
    const { say, shown } = site()
    say('closed', 0)
    vi.setSystemTime(NOON - 5 * HOUR)
    say('open', null)
    expect(shown()).toBe('open')
    say('closed', null)
    expect(shown()).toBe('closed')
  })

  it('does not measure a device’s clock against the server’s', () => {
    const { say, wait, shown, late } = site()
    say('without', null)
    wait(SECOND)
    say('with', 3 * SECOND)
    expect(shown()).toBe('with')
    expect(late).toEqual([])
  })

  it('lets the device’s own number decide', () => {
    const { say, wait, shown } = site()
    say('5', 0, { seq: 5 })
    say('7, clock stepped back', HOUR, { seq: 7 })
    expect(shown()).toBe('7, clock stepped back')
    say('6, late', HOUR + MINUTE, { seq: 6 })
    wait(ALONE)
    expect(shown()).toBe('7, clock stepped back')
    say('8', HOUR, { seq: 8 })
    say('0, started anew', 0, { seq: 0 })
    expect(shown()).toBe('0, started anew')
  })

  it('lets the device’s own number decide without a time, too', () => {
    const { say, wait, shown } = site()
    for (const seq of [5, 7, 6]) {
      say(seq, null, { seq })
      wait(1)
    }
    wait(ALONE)
    expect(shown()).toBe(7)
    say(1, null, { seq: 1 })
    expect(shown()).toBe(1)
  })

  it('decides for each device alone, and never for more than it may watch', () => {
    const { say, wait, shown, again } = site({ maxWatched: 2 })
    for (const name of ['a', 'b', 'c']) say('closed', 0, {}, name)
    for (const name of ['a', 'b', 'c']) say('open', HOUR, {}, name)
    // The first made room: it is decided.
    expect(again).toEqual(['open'])
    wait(ALONE)
    expect(['a', 'b', 'c'].map(shown)).toEqual(['open', 'open', 'open'])
  })

  it('decides what is doubtful when nothing more comes', () => {
    const { say, shown, data } = site()
    say('closed', 0)
    say('open', HOUR)
    expect(shown()).toBe('closed')
    data.settle()
    expect(shown()).toBe('open')
  })
})
