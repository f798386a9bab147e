import type { DeviceStatusChange } from '#shared/schemas/device'
import type { Telemetry } from '#shared/schemas/telemetry'
import { hasTelemetry, presenceChangeOf, withPresence, withStatus, withTelemetry } from '#shared/device/device-state'
import { describe, expect, it } from 'vitest'

const NOON = '2026-01-01T12:00:00.000Z'
const LATER = '2026-01-01T12:00:10.000Z'
const LAST_YEAR = '2025-01-01T00:00:00Z'

function telemetry(given: Partial<Telemetry> = {}): Telemetry {
  const receivedAt = given.receivedAt ?? NOON
  return { deviceId: 'tor-1', ts: receivedAt, receivedAt, metrics: { tempC: 1 }, ...given }
}

function change(given: Partial<DeviceStatusChange> = {}): DeviceStatusChange {
  return { deviceId: 'tor-1', status: 'open', updatedAt: NOON, receivedAt: NOON, ...given }
}

describe('withTelemetry', () => {
  it('takes a first message as it is', () => {
    expect(withTelemetry(undefined, telemetry())).toEqual({
      deviceId: 'tor-1', lastSeen: NOON, lastTelemetry: telemetry(), values: { tempC: { value: 1, ts: NOON } }, state: null, clock: 'ok',
    })
  })

  it('never changes the device it was given', () => {
    const before = withTelemetry(undefined, telemetry())
    const copy = structuredClone(before)
    withTelemetry(before, telemetry({ receivedAt: LATER, metrics: { tempC: 2, humidity: 3 } }))
    expect(before).toEqual(copy)
  })

  it('keeps the newest value of every metric, whichever message brought it', () => {
    const first = withTelemetry(undefined, telemetry({ metrics: { tempC: 1, doorState: 'open' } }))
    const second = withTelemetry(first, telemetry({ receivedAt: LATER, metrics: { tempC: 2 } }))
    expect(second.lastTelemetry.metrics).toEqual({ tempC: 2 })
    expect(second.values).toEqual({ tempC: { value: 2, ts: LATER }, doorState: { value: 'open', ts: NOON } })
  })

  it('has no value of what a message says that there is none', () => {
    const first = withTelemetry(undefined, telemetry({ metrics: { tempC: 1, doorState: 'open' } }))
    const second = withTelemetry(first, telemetry({ receivedAt: LATER, metrics: {}, absent: ['tempC', 'humidity'] }))
    expect(second.lastTelemetry).toMatchObject({ metrics: {}, absent: ['tempC', 'humidity'] })
    expect(second.values).toEqual({ tempC: { value: null, ts: LATER }, doorState: { value: 'open', ts: NOON }, humidity: { value: null, ts: LATER } })
    expect(withTelemetry(second, telemetry({ late: true, metrics: { tempC: 5 } })).values.tempC).toEqual({ value: null, ts: LATER })
    expect(withTelemetry(first, telemetry({ ts: LAST_YEAR, receivedAt: LATER, late: true, metrics: {}, absent: ['tempC'] })).values.tempC).toEqual({ value: 1, ts: NOON })
    expect(hasTelemetry(withTelemetry(undefined, telemetry({ metrics: {}, absent: ['tempC'] })))).toBe(true)
  })

  it('marks a whole number that is kept as text, for as long as it is there', () => {
    const first = withTelemetry(undefined, telemetry({ metrics: { pulses: '9007199254740993', tempC: 1 }, exact: ['pulses'] }))
    expect(first.values).toEqual({ pulses: { value: '9007199254740993', ts: NOON, exact: true }, tempC: { value: 1, ts: NOON } })
    expect(withTelemetry(first, telemetry({ receivedAt: LATER, metrics: { pulses: 5 } })).values.pulses).toEqual({ value: 5, ts: LATER })
  })

  it('goes by what came last, whatever time it carries', () => {
    const held = withTelemetry(undefined, telemetry())
    const next = withTelemetry(held, telemetry({ ts: LAST_YEAR, receivedAt: LATER, metrics: { tempC: 9 } }))
    expect(next).toMatchObject({ lastSeen: LATER, lastTelemetry: { ts: LAST_YEAR }, values: { tempC: { value: 9, ts: LAST_YEAR } } })
  })

  it('does not let late data overwrite what was measured later, though the device was heard', () => {
    const held = withTelemetry(undefined, telemetry())
    const next = withTelemetry(held, telemetry({ ts: LAST_YEAR, receivedAt: LATER, late: true, metrics: { tempC: 9, humidity: 40 } }))
    expect(next.lastTelemetry).toBe(held.lastTelemetry)
    expect(next.values).toEqual({ tempC: { value: 1, ts: NOON }, humidity: { value: 40, ts: LAST_YEAR } })
    expect(next.lastSeen).toBe(LATER)
  })

  it('does not let late data without a time of its own overwrite anything', () => {
    const held = withTelemetry(undefined, telemetry())
    const next = withTelemetry(held, telemetry({ ts: LATER, receivedAt: LATER, late: true, metrics: { tempC: 9 } }))
    expect(next.values.tempC?.value).toBe(1)
  })

  it('takes what is said again as the newest', () => {
    const held = withTelemetry(undefined, telemetry())
    const next = withTelemetry(held, telemetry({ ts: LAST_YEAR, receivedAt: LATER, late: false, metrics: { tempC: 9 } }))
    expect(next.values.tempC?.value).toBe(9)
  })

  it('lets the second of two messages with the same time win', () => {
    const held = withTelemetry(undefined, telemetry({ ts: LAST_YEAR }))
    expect(withTelemetry(held, telemetry({ ts: LAST_YEAR, metrics: { tempC: 2 } })).values.tempC?.value).toBe(2)
  })

  it('compares instants, not texts', () => {
    const held = withTelemetry(undefined, telemetry({ ts: '2025-06-01T12:00:00+02:00' }))
    const next = withTelemetry(held, telemetry({ ts: '2025-06-01T11:00:00Z', metrics: { tempC: 2 } }))
    expect(next.values.tempC?.value).toBe(2)
  })

  describe('of a replayed message', () => {
    it('fills the last value without making the device look alive', () => {
      expect(withTelemetry(undefined, telemetry({ replayed: true })).lastSeen).toBeNull()
    })

    it('believes the time it carries', () => {
      expect(withTelemetry(undefined, telemetry({ replayed: true, ts: LAST_YEAR })).lastSeen).toBe(LAST_YEAR)
    })

    it('returns the same device when it brings nothing new', () => {
      const held = withTelemetry(undefined, telemetry({ ts: LAST_YEAR }))
      expect(withTelemetry(held, telemetry({ replayed: true, ts: LAST_YEAR }))).toBe(held)
      expect(withTelemetry(held, telemetry({ replayed: true, receivedAt: LATER }))).toBe(held)
    })

    it('takes one that was said after what is held', () => {
      const held = withTelemetry(undefined, telemetry({ ts: LAST_YEAR }))
      expect(withTelemetry(held, telemetry({ replayed: true, ts: LATER, metrics: { tempC: 5 } })).values.tempC?.value).toBe(5)
      const filled = withTelemetry(undefined, telemetry({ ts: LAST_YEAR, replayed: true }))
      expect(withTelemetry(filled, telemetry({ replayed: true, ts: '2025-05-05T00:00:00Z', metrics: { tempC: 5 } })).values.tempC?.value).toBe(5)
    })

    it('does not take one from before a clock was set back', () => {
      const held = withTelemetry(undefined, telemetry({ ts: LAST_YEAR }))
      expect(withTelemetry(held, telemetry({ replayed: true, ts: '2025-05-05T00:00:00Z', metrics: { tempC: 5 } }))).toBe(held)
    })

    it('gives way to the first live message even when that carries an older time', () => {
      const filled = withTelemetry(undefined, telemetry({ replayed: true, metrics: { tempC: 9 } }))
      const live = withTelemetry(filled, telemetry({ ts: LAST_YEAR, receivedAt: LATER }))
      expect(live).toMatchObject({ lastSeen: LATER, lastTelemetry: { ts: LAST_YEAR }, values: { tempC: { value: 1, ts: LAST_YEAR } } })
    })
  })

  it('marks a wrong clock until a believable time comes; messages without time say nothing about it', () => {
    const wrong = withTelemetry(undefined, telemetry({ claimedTs: '9999-01-01T00:00:00Z' }))
    expect(wrong.clock).toBe('wrong')
    const silent = withTelemetry(wrong, telemetry({ receivedAt: LATER }))
    expect(silent.clock).toBe('wrong')
    expect(withTelemetry(silent, telemetry({ ts: LAST_YEAR, late: true })).clock).toBe('wrong')
    const right = withTelemetry(silent, telemetry({ ts: LAST_YEAR }))
    expect(right.clock).toBe('ok')
    expect(withTelemetry(right, telemetry({ ts: LAST_YEAR, clock: 'wrong' })).clock).toBe('wrong')
  })
})

describe('withStatus', () => {
  it('knows a device by its state alone, in the shape a plain client expects', () => {
    const device = withStatus(undefined, change())
    expect(device).toMatchObject({ lastSeen: NOON, lastTelemetry: { deviceId: 'tor-1', ts: NOON, metrics: {} }, state: { status: 'open', updatedAt: NOON } })
    expect(hasTelemetry(device)).toBe(false)
    expect(withTelemetry(device, telemetry({ ts: LAST_YEAR })).lastTelemetry.ts).toBe(LAST_YEAR)
  })

  it('takes a last will for no sign of life', () => {
    expect(withStatus(undefined, change({ status: 'Offline' }))).toMatchObject({ lastSeen: null, state: { status: 'Offline' } })
  })

  it('takes a replayed state at its own time', () => {
    expect(withStatus(undefined, change({ replayed: true, updatedAt: LAST_YEAR })).lastSeen).toBe(LAST_YEAR)
    expect(withStatus(undefined, change({ replayed: true, claimedUpdatedAt: '9999-01-01T00:00:00Z' }))).toMatchObject({ lastSeen: null, clock: 'wrong' })
  })

  it('is no news when replayed again', () => {
    const held = withStatus(undefined, change({ updatedAt: LAST_YEAR }))
    expect(withStatus(held, change({ replayed: true, updatedAt: LAST_YEAR, receivedAt: LATER }))).toBe(held)
    const claimed = withStatus(undefined, change({ claimedUpdatedAt: '9999-01-01T00:00:00Z' }))
    expect(withStatus(claimed, change({ replayed: true, receivedAt: LATER, updatedAt: LATER, claimedUpdatedAt: '9999-01-01T00:00:00Z' }))).toBe(claimed)
  })

  it('goes by arrival: a last will is older than what the device said since', () => {
    const held = withStatus(undefined, change())
    const live = withStatus(held, change({ status: 'offline', updatedAt: LAST_YEAR, receivedAt: LATER }))
    expect(live).toMatchObject({ state: { status: 'offline' }, lastSeen: NOON })
    expect(withStatus(held, change({ status: 'closed', updatedAt: LAST_YEAR, replayed: true })).state?.status).toBe('closed')
  })

  it('marks a clock by a state as by telemetry', () => {
    const held = withTelemetry(undefined, telemetry())
    expect(withStatus(held, change({ updatedAt: LAST_YEAR, clock: 'wrong' })).clock).toBe('wrong')
    expect(withStatus(held, change({ updatedAt: LAST_YEAR })).clock).toBe('ok')
  })

  it('forgets a state that was deleted', () => {
    expect(withStatus(withStatus(undefined, change()), change({ status: null })).state).toBeNull()
  })
})

describe('withPresence', () => {
  const change = { deviceId: 'tor-1', presence: 'silent', since: '2026-11-14T03:00:00.000Z' } as const

  it('is kept through messages, and replaced as a whole', () => {
    const known = withPresence(withTelemetry(undefined, telemetry()), { ...change, intervalSeconds: 30, silentAfterSeconds: 82.5 })
    expect(withTelemetry(known, telemetry({ metrics: { tempC: 2 } }))).toMatchObject({ presence: 'silent', presenceSince: change.since, intervalSeconds: 30, silentAfterSeconds: 82.5 })
    expect(presenceChangeOf(known)).toEqual({ ...change, intervalSeconds: 30, silentAfterSeconds: 82.5 })
    const { intervalSeconds, silentAfterSeconds, presence } = withPresence(known, change)
    expect({ intervalSeconds, silentAfterSeconds, presence }).toEqual({ presence: 'silent' })
  })
})
