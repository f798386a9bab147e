import { describe, expect, it } from 'vitest'
import { withStatus, withTelemetry } from '#shared/utils/device-state'
import { attention, doorOf, signsOf } from '#shared/utils/device-signs'
import { NOW, device, telemetry } from './fixtures'

const STALE_AFTER_MS = 120_000
const at = new Date(NOW).toISOString()
const status = (deviceId: string, word: string) => ({ deviceId, status: word, updatedAt: at, receivedAt: at })
const signs = (state: ReturnType<typeof device>) => signsOf(state, doorOf(state), NOW, STALE_AFTER_MS)

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

  it('calls a device stale after the limit, not at it', () => {
    expect(signs(device('tor-1', { tempC: 1 }, 120)).stale).toBe(false)
    expect(signs(device('tor-1', { tempC: 1 }, 121)).stale).toBe(true)
  })

  it('calls a device that was never heard stale', () => {
    const state = withTelemetry(undefined, { ...telemetry('tor-1', { tempC: 1 }), replayed: true })
    expect(signs(state)).toMatchObject({ stale: true, replayed: true })
  })

  it('sees that a last will says offline', () => {
    expect(signs(withStatus(device('tor-1', { tempC: 1 }), status('tor-1', 'offline'))).gone).toBe(true)
  })

  it('puts an open door before silence and silence before a wrong clock', () => {
    const open = signs(device('a', { doorState: 'open' }))
    const stale = signs(device('b', { tempC: 1 }, 999))
    const wrongClock = signs({ ...device('c', { tempC: 1 }), clock: 'wrong' })
    expect(attention(open)).toBeGreaterThan(attention(stale))
    expect(attention(stale)).toBeGreaterThan(attention(wrongClock))
    expect(attention(wrongClock)).toBeGreaterThan(0)
  })
})
