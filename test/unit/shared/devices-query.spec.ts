import { describe, expect, it } from 'vitest'
import { DevicesQuerySchema, MAX_CURSOR_LENGTH, MAX_FIELDS_LENGTH, MAX_PAGE_DEVICES, MAX_SEARCH_LENGTH, MAX_SEARCH_WORDS } from '#shared/schemas/device'

function faultOf(query: object): string | undefined {
  return DevicesQuerySchema.safeParse(query).error?.issues.map(({ path, message }) => `${path.join('.')}: ${message}`).join('; ')
}

describe('the query of the device list', () => {
  it('reads every parameter', () => {
    expect(DevicesQuerySchema.parse({})).toEqual({})
    expect(DevicesQuerySchema.parse({ limit: '20', cursor: 'Zy0x', q: ' Tor  OPEN ', fields: 'values, state' }))
      .toEqual({ limit: 20, cursor: 'Zy0x', q: ['tor', 'open'], fields: ['values', 'state'] })
  })

  it('takes what is just within the limits', () => {
    const words = Array.from({ length: MAX_SEARCH_WORDS }, () => 'w').join(' ')
    for (const query of [{ limit: '1' }, { limit: String(MAX_PAGE_DEVICES) }, { q: 'x'.repeat(MAX_SEARCH_LENGTH) }, { q: words }, { cursor: 'x'.repeat(MAX_CURSOR_LENGTH) }]) {
      expect(faultOf(query)).toBeUndefined()
    }
  })

  it.each([
    ['limit', { limit: '0' }],
    ['limit', { limit: '' }],
    ['limit', { limit: 'ten' }],
    ['limit', { limit: '1.5' }],
    ['limit', { limit: String(MAX_PAGE_DEVICES + 1) }],
    ['limit', { limit: ['1', '2'] }],
    ['cursor', { cursor: '' }],
    ['cursor', { cursor: 'no cursor!' }],
    ['cursor', { cursor: 'x'.repeat(MAX_CURSOR_LENGTH + 1) }],
    ['q', { q: 'x'.repeat(MAX_SEARCH_LENGTH + 1) }],
    ['q', { q: 'w '.repeat(MAX_SEARCH_WORDS + 1) }],
    ['q', { q: ['a', 'b'] }],
    ['fields', { fields: '' }],
    ['fields', { fields: 'values,,state' }],
    ['fields', { fields: 'values,'.repeat(MAX_FIELDS_LENGTH) }],
  ])('refuses a %s such as %j', (name, query) => {
    expect(faultOf(query)).toMatch(new RegExp(`^${name}\\b`))
  })

  it('names a field that there is not, and those that there are', () => {
    expect(faultOf({ fields: 'values,colour' })).toBe('fields.1: “colour” is no field of a device; there are deviceId, lastSeen, lastTelemetry, values, state, clock, presence, presenceSince, intervalSeconds, silentAfterSeconds')
  })
})
