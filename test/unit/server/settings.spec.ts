import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
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
    ['NUXT_MQTT_CLIENT_ID', 'x'.repeat(1_025)],
    ['NUXT_MQTT_ROOT', ''],
    ['NUXT_MQTT_ROOT', '/leitstand'],
    ['NUXT_MQTT_ROOT', 'plant//leitstand'],
    ['NUXT_MQTT_ROOT', 'leitstand/'],
    ['NUXT_MQTT_ROOT', 'plant/+'],
    ['NUXT_MQTT_ROOT', 'plant#'],
    ['NUXT_MQTT_ROOT', '$SYS/leitstand'],
    ['NUXT_MQTT_ROOT', 'sensors'],
    ['NUXT_MQTT_ROOT', 'sensors/leitstand'],
    ['NUXT_MQTT_ROOT', 'a\u0000b'],
    ['NUXT_MQTT_ROOT', 'x'.repeat(201)],
    ['NUXT_HISTORY_RAW_DAYS', 'soon'],
    ['NUXT_DATABASE_URL', 'mysql://leitstand@localhost/leitstand'],
    ['NUXT_DATABASE_URL', 'localhost:5432'],
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
    ['NUXT_OIDC_ISSUER', 'login.example'],
    ['NUXT_OIDC_ISSUER', 'http://login.example'],
    ['NUXT_OIDC_ISSUER', 'http://127.0.0.1.evil.example'],
    ['NUXT_OIDC_ISSUER', 'https://login.example?a=b'],
    ['NUXT_OIDC_ISSUER', 'https://user:pass@login.example'],
    ['NUXT_OIDC_ROLES', 'admins=king'],
    ['NUXT_OIDC_ROLES', '=admin'],
    ['NUXT_OIDC_ROLES', 'admins'],
    ['NUXT_OIDC_DEFAULT_ROLE', 'all'],
    ['NUXT_OIDC_LABEL', 'x'.repeat(61)],
    ['NUXT_OIDC_GROUPS_CLAIM', ''],
    ['NUXT_OIDC_TIMEOUT_SECONDS', '0'],
    ['NUXT_OIDC_TIMEOUT_SECONDS', '61'],
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

  it('wants all that it takes to sign in at a provider', () => {
    const env = { NUXT_OIDC_ISSUER: 'https://login.example/realms/plant', NUXT_OIDC_CLIENT_ID: 'leitstand', NUXT_OIDC_ROLES: 'admins=admin' }
    expect(readSettings(defaults, env).oidc).toMatchObject({ issuer: env.NUXT_OIDC_ISSUER, clientSecret: '', groupsClaim: 'groups', defaultRole: 'none', timeoutSeconds: 10 })
    expect(() => readSettings(defaults, { ...env, NUXT_OIDC_CLIENT_ID: '' })).toThrow('NUXT_OIDC_CLIENT_ID must be set')
    expect(() => readSettings(defaults, { ...env, NUXT_OIDC_ROLES: '' })).toThrow('NUXT_OIDC_ROLES must name a group')
    expect(readSettings(defaults, { ...env, NUXT_OIDC_ROLES: '', NUXT_OIDC_DEFAULT_ROLE: 'viewer' }).oidc.defaultRole).toBe('viewer')
    for (const issuer of ['http://localhost:8080', 'http://127.0.0.1:1', 'http://[::1]/x']) expect(readSettings(defaults, { ...env, NUXT_OIDC_ISSUER: issuer }).oidc.issuer).toBe(issuer)
  })

  it('wants a broker, a database and a history where there are replicas', () => {
    const env = { NUXT_CLUSTER: 'true', NUXT_DATABASE_URL: 'postgres://database/leitstand', NUXT_MQTT_URL: 'mqtt://broker' }
    expect(readSettings(defaults, env).cluster).toBe(true)
    expect(readSettings(defaults, { ...env, NUXT_CLUSTER: 'false', NUXT_DATABASE_URL: '' }).cluster).toBe(false)
    expect(() => readSettings(defaults, { ...env, NUXT_DATABASE_URL: '' })).toThrow('NUXT_DATABASE_URL must be set')
    expect(() => readSettings(defaults, { ...env, NUXT_MQTT_URL: '' })).toThrow('NUXT_MQTT_URL must be set')
    expect(() => readSettings(defaults, { ...env, NUXT_HISTORY: 'off' })).toThrow('NUXT_HISTORY must not be off')
  })

  it('never repeats a secret in its message', () => {
    expect(() => readSettings(defaults, { NUXT_MQTT_URL: 'x://user:secret@host' })).toThrow(expect.not.objectContaining({ message: expect.stringContaining('secret') }))
  })
})

describe('a value in a file', () => {
  it.each([
    ['as it is', 'pass word', 'pass word'],
    ['without the newline at its end', 'secret\n', 'secret'],
    ['without the end of a Windows line', 'secret\r\n', 'secret'],
    ['with everything else that is in it', ' se\ncret \n\n', ' se\ncret \n'],
    ['also when there is nothing in it', '', ''],
  ])('is taken %s', (_, content, expected) => {
    expect(readSettings(defaults, { NUXT_MQTT_PASSWORD_FILE: fileWith(content) }).mqtt.password).toBe(expected)
  })

  it('is checked like any other', () => {
    expect(readSettings(defaults, { NUXT_LIMITS_DEVICES_FILE: fileWith('5\n'), NUXT_DATA_DIR_FILE: fileWith('/srv\n') })).toMatchObject({ limits: { devices: 5 }, dataDir: '/srv' })
    expect(() => readSettings(defaults, { NUXT_LIMITS_DEVICES_FILE: fileWith('many') })).toThrow('NUXT_LIMITS_DEVICES must be')
  })

  it('is no other setting: NUXT_MQTT_CA_FILE stays a name', () => {
    const file = fileWith('-----BEGIN')
    expect(readSettings(defaults, { NUXT_MQTT_CA_FILE: file }).mqtt.caFile).toBe(file)
  })

  it('is not looked for while no file is named', () => {
    expect(readSettings(defaults, { NUXT_MQTT_PASSWORD: 'plain', NUXT_MQTT_PASSWORD_FILE: '' }).mqtt.password).toBe('plain')
  })

  it('stops the start with one sentence when it cannot be read, and tells nobody where it should be', () => {
    const read = () => readSettings(defaults, { NUXT_MQTT_PASSWORD_FILE: '/nowhere/hidden' })
    expect(read).toThrow(new SettingsError('The settings are not usable: NUXT_MQTT_PASSWORD_FILE names a file that cannot be read.'))
    expect(() => readSettings(defaults, { NUXT_MQTT_PASSWORD_FILE: tmpdir() })).toThrow('NUXT_MQTT_PASSWORD_FILE names a file that cannot be read.')
  })

  it('does not stand beside the same value in the environment', () => {
    const env = { NUXT_MQTT_PASSWORD: 'first', NUXT_MQTT_PASSWORD_FILE: fileWith('second') }
    expect(() => readSettings(defaults, env)).toThrow(new SettingsError('The settings are not usable: NUXT_MQTT_PASSWORD and NUXT_MQTT_PASSWORD_FILE are both set; one of them must go.'))
  })

  it('is never repeated in a message', () => {
    expect(() => readSettings(defaults, { NUXT_MQTT_URL_FILE: fileWith('x://user:secret@host') })).toThrow(expect.not.objectContaining({ message: expect.stringContaining('secret') }))
  })
})

function fileWith(content: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'leitstand-settings-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const file = join(folder, 'value')
  writeFileSync(file, content)
  return file
}

it('names variables as Nitro does', () => {
  expect(variableName(['mqtt', 'caFile'])).toBe('NUXT_MQTT_CA_FILE')
  expect(variableName(['limits', 'clockToleranceSeconds'])).toBe('NUXT_LIMITS_CLOCK_TOLERANCE_SECONDS')
})
