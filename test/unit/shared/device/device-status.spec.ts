import { describe, expect, it } from 'vitest'
import { withPresence, withStatus, withTelemetry } from '#shared/device/device-state'
import { attention, claimOf, doorOf, lastClaimOf, signsOf } from '#shared/device/device-status'
import { NOW, device, telemetry } from '../fixtures'

const at = new Date(NOW).toISOString()
const status = (deviceId: string, word: string) => ({ deviceId, status: word, updatedAt: at, receivedAt: at })
const signs = (state: ReturnType<typeof device>) => signsOf(state, doorOf(state))

describe('doorOf', () => {
  it.each([['open', 'open'], ['OPEN', 'open'], ['closed', 'closed'], ['opening', null]])('reads %s as %s', (value, word) => {
    expect(doorOf(device('tor-1', { doorState: value }))).toEqual({ metric: 'doorState', value, word })
  })

  it('shows the open one of several doors', () => {
    expect(doorOf(device('tor-1', { doorState: 'closed', rearDoor: 'open' }))?.metric).toBe('rearDoor')
  })

  it('falls back to the state topic, and only to a word for doors', () => {
    expect(doorOf(withStatus(device('tor-1', { tempC: 1 }), status('tor-1', 'open')))?.word).toBe('open')
    expect(doorOf(withStatus(device('tor-1', { tempC: 1 }), status('tor-1', 'online')))).toBeNull()
  })

  it('believes the metric before the state topic', () => {
    expect(doorOf(withStatus(device('tor-1', { doorState: 'closed' }), status('tor-1', 'open')))?.word).toBe('closed')
  })

  it.each(['navigate', 'indoor', 'doors', 'dateState'])('takes the metric %s for no door', (name) => {
    expect(doorOf(device('tor-1', { [name]: 'open' }))).toBeNull()
  })
})

describe('signsOf', () => {
  it('finds nothing wrong with a device just heard', () => {
    expect(attention(signs(device('tor-1', { doorState: 'closed' })))).toBe(0)
  })

  it('takes the server’s word for the presence', () => {
    const silent = withPresence(device('tor-1', { tempC: 1 }), { deviceId: 'tor-1', presence: 'silent', since: at, intervalSeconds: 30 })
    expect(signs(silent).presence).toBe('silent')
    expect(signs(withTelemetry(silent, telemetry('tor-1', { tempC: 2 }))).presence).toBe('silent')
    expect(signs(withStatus(silent, status('tor-1', 'open'))).presence).toBe('silent')
  })

  it('knows before the server has said anything what the first message says', () => {
    expect(signs(device('tor-1', { tempC: 1 })).presence).toBe('live')
    expect(signs(withStatus(device('tor-1', { tempC: 1 }), status('tor-1', 'offline'))).presence).toBe('offline')
    const replayed = withTelemetry(undefined, { ...telemetry('tor-1', { tempC: 1 }), replayed: true })
    expect(signs(replayed)).toMatchObject({ presence: 'unknown', replayed: true })
  })

  it('takes the server’s word for the clock, whichever way it is wrong and whoever says so', () => {
    const message = telemetry('tor-1', { tempC: 1 }, 7_200)
    // Old times alone are no wrong clock: the page compares them with nothing.
    expect(signs(withTelemetry(undefined, message)).wrongClock).toBe(false)
    expect([claimOf(message), lastClaimOf(withTelemetry(undefined, message))]).toEqual([undefined, undefined])
    const behind = { ...message, receivedAt: at, clock: 'wrong' as const }
    expect(signs(withTelemetry(undefined, behind)).wrongClock).toBe(true)
    expect([claimOf(behind), lastClaimOf(withTelemetry(undefined, behind))]).toEqual([message.ts, message.ts])
    const ahead = { ...telemetry('tor-1', { tempC: 1 }), claimedTs: '2031-01-01T00:00:00.000Z' }
    expect(signs(withTelemetry(undefined, ahead)).wrongClock).toBe(true)
    expect(lastClaimOf(withTelemetry(undefined, ahead))).toBe('2031-01-01T00:00:00.000Z')
    const byState = withStatus(device('tor-1', { tempC: 1 }), { ...status('tor-1', 'ok'), updatedAt: message.ts, clock: 'wrong' })
    expect(signs(byState).wrongClock).toBe(true)
    expect(lastClaimOf(byState)).toBe(message.ts)
  })

  it('puts an open door before silence and silence before a wrong clock', () => {
    const open = signs(device('a', { doorState: 'open' }))
    const silent = signs({ ...device('b', { tempC: 1 }), presence: 'silent' })
    const wrongClock = signs({ ...device('c', { tempC: 1 }), clock: 'wrong' })
    expect(attention(open)).toBeGreaterThan(attention(silent))
    expect(attention(silent)).toBeGreaterThan(attention(wrongClock))
    expect(attention(wrongClock)).toBeGreaterThan(0)
  })
})
