import { describe, expect, it } from 'vitest'
import { readSettings, SettingsError, SettingsSchema, variableName } from '../../../server/settings'

const defaults = SettingsSchema.parse({})

describe('readSettings', () => {
  it('has a usable default for everything', () => {
    expect(readSettings(defaults, {})).toEqual(defaults)
  })

  it('takes values as they were written, not as they were cast', () => {
    const cast = { ...defaults, mqtt: { ...defaults.mqtt, password: 7 } }
    expect(readSettings(cast, { NUXT_MQTT_PASSWORD: '007' }).mqtt.password).toBe('007')
    expect(readSettings(cast, { NUXT_MQTT_PASSWORD: '1e5' }).mqtt.password).toBe('1e5')
    expect(readSettings(cast, {}).mqtt.password).toBe('7')
  })

  it('reads numbers', () => {
    expect(readSettings(defaults, { NUXT_LIMITS_DEVICES: '5' }).limits.devices).toBe(5)
  })

  it.each([
    ['NUXT_LIMITS_DEVICES', 'many'],
    ['NUXT_LIMITS_DEVICES', '0'],
    ['NUXT_LIMITS_DEVICES', '1.5'],
    ['NUXT_LIMITS_PAYLOAD_BYTES', '-1'],
    ['NUXT_MQTT_URL', 'broker'],
    ['NUXT_MQTT_URL', 'http://broker'],
    ['NUXT_MQTT_RECEIVE_MAXIMUM', '65536'],
    ['NUXT_MQTT_CLIENT_ID', ''],
    ['NUXT_HISTORY_RAW_DAYS', 'soon'],
    ['NUXT_SECURITY_HOSTS', 'https://leitstand.example'],
    ['NUXT_SECURITY_HOSTS', 'leitstand.example:3000'],
    ['NUXT_SECURITY_ORIGINS', 'intranet.example'],
    ['NUXT_SECURITY_ORIGINS', 'https://intranet.example/path'],
    ['NUXT_SECURITY_ORIGINS', '*'],
    ['NUXT_SECURITY_TRUSTED_PROXIES', 'proxy'],
    ['NUXT_SECURITY_TRUSTED_PROXIES', '10.0.0.0/33'],
    ['NUXT_SECURITY_FRAME_ANCESTORS', 'https://intranet.example; script-src *'],
    ['NUXT_SECURITY_FRAME_ANCESTORS', '*'],
    ['NUXT_LIMITS_HEADER_BYTES', '10'],
  ])('names %s when it is %j', (name, value) => {
    expect(() => readSettings(defaults, { [name]: value })).toThrow(SettingsError)
    expect(() => readSettings(defaults, { [name]: value })).toThrow(name)
  })

  it.each([
    ['hosts', 'NUXT_SECURITY_HOSTS', 'leitstand.example, plant-7'],
    ['origins', 'NUXT_SECURITY_ORIGINS', 'https://intranet.example http://10.0.0.1:8080'],
    ['trustedProxies', 'NUXT_SECURITY_TRUSTED_PROXIES', 'loopback,private,203.0.113.0/24,2001:db8::/32,::1'],
    ['frameAncestors', 'NUXT_SECURITY_FRAME_ANCESTORS', '\'self\' https://intranet.example'],
  ] as const)('reads the list of %s', (name, variable, value) => {
    expect(readSettings(defaults, { [variable]: value }).security[name]).toBe(value)
  })

  it('never repeats a secret in its message', () => {
    expect(() => readSettings(defaults, { NUXT_MQTT_URL: 'x://user:secret@host' })).toThrow(expect.not.objectContaining({ message: expect.stringContaining('secret') }))
  })
})

it('names variables as Nitro does', () => {
  expect(variableName(['mqtt', 'caFile'])).toBe('NUXT_MQTT_CA_FILE')
  expect(variableName(['limits', 'clockToleranceSeconds'])).toBe('NUXT_LIMITS_CLOCK_TOLERANCE_SECONDS')
})
