import { X509Certificate } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { findProgram } from '../../../../tools/programs/find'
import { certificates, tempFolder } from './support'

const openssl = findProgram('openssl')
const FIRST = ['--host', 'broker.example.org', '--host', '192.0.2.7', '--device', 'gate-1']

/** A folder in which everything was made once. */
function made(args = FIRST) {
  const folder = tempFolder()
  const result = certificates(folder, args)
  expect(result).toMatchObject({ status: 0, stderr: '' })
  const read = (file: string) => readFileSync(join(folder, 'secrets', file), 'utf8')
  return { folder, read, certificate: (file: string) => new X509Certificate(read(file)), stdout: result.stdout }
}

function filesBelow(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' }).map(name => join(folder, name))
}

describe.skipIf(!openssl)('npm run certificates', () => {
  it('makes everything, for its owner only, and says what', () => {
    const { folder, stdout } = made()
    for (const path of filesBelow(folder)) {
      const stat = statSync(path)
      expect([path, stat.mode & 0o777]).toEqual([path, stat.isDirectory() ? 0o700 : 0o600])
    }
    const kept = ['broker/authority.pem', 'broker/revoked.pem', 'broker/server.pem', 'broker/server.key', 'broker/passwords', 'broker/mosquitto_sub',
      'leitstand/authority.pem', 'leitstand/client.pem', 'leitstand/client.key', 'devices/gate-1/authority.pem', 'devices/gate-1/client.pem', 'devices/gate-1/client.key']
    expect(kept.filter(file => !existsSync(join(folder, 'secrets', file)))).toEqual([])
    expect(readdirSync(join(folder, 'data')).sort()).toEqual(['caddy', 'leitstand', 'mosquitto'])
    for (const file of ['broker/authority.pem', 'broker/server.pem', 'leitstand/client.pem', 'broker/mosquitto_sub', 'devices/gate-1']) expect(stdout).toContain(`made     secrets/${file}: `)
  })

  it('gives each certificate its name, its purpose and its end', () => {
    const { certificate } = made([...FIRST, '--days', '30'])
    const authority = certificate('broker/authority.pem')
    const server = certificate('broker/server.pem')
    expect(authority.ca).toBe(true)
    expect(server.subjectAltName).toBe('DNS:broker.example.org, IP Address:192.0.2.7, DNS:mosquitto, DNS:localhost, IP Address:127.0.0.1')
    for (const [file, subject, purpose] of [['leitstand/client.pem', 'CN=leitstand', 'clientAuth'], ['devices/gate-1/client.pem', 'CN=gate-1', 'clientAuth'], ['broker/server.pem', 'CN=_server', 'serverAuth']] as const) {
      const each = certificate(file)
      expect(each).toMatchObject({ ca: false, subject })
      expect(each.verify(authority.publicKey)).toBe(true)
      // The object identifiers of RFC 5280, 4.2.1.12.
      expect(each.keyUsage).toEqual([purpose === 'clientAuth' ? '1.3.6.1.5.5.7.3.2' : '1.3.6.1.5.5.7.3.1'])
      expect(Math.round((Date.parse(each.validTo) - Date.parse(each.validFrom)) / 86_400_000)).toBe(30)
    }
  })

  it('says nothing of what is inside', () => {
    const { folder, read, stdout } = made([...FIRST, '--password'])
    const password = read('devices/gate-1/password').trim()
    const { stdout: again } = certificates(folder, [])
    const health = /-P (\S+)/.exec(read('broker/mosquitto_sub'))?.[1] ?? ''
    expect([password.length, health.length]).toEqual([32, 32])
    for (const secret of [password, health, 'PRIVATE KEY', '$7$']) expect(stdout + again).not.toContain(secret)
    expect(read('broker/passwords')).not.toContain(password)
  })

  it('replaces nothing that is there', () => {
    const { folder } = made([...FIRST, '--device', 'gate-2', '--password'])
    const contents = () => filesBelow(join(folder, 'secrets')).filter(path => statSync(path).isFile()).map(path => [path, readFileSync(path, 'utf8')])
    const before = contents()
    const { status, stdout } = certificates(folder, ['--host', 'other.example.org', '--device', 'gate-2', '--password'])
    expect(status).toBe(0)
    expect(stdout).toContain('kept     secrets/broker/server.pem: the broker as broker.example.org, ')
    expect(stdout).toContain('gate-2 has a password already; --force makes another')
    expect(stdout).not.toMatch(/^made/m)
    expect(contents()).toEqual(before)
  })

  it('replaces what is named when it is asked to, and revokes what that replaces', () => {
    const { folder, read, certificate } = made()
    const old = { gate: certificate('devices/gate-1/client.pem').serialNumber, server: read('broker/server.pem'), application: read('leitstand/client.pem'), authority: read('broker/authority.pem') }
    expect(certificates(folder, ['--device', 'gate-1', '--force']).stdout).toContain('revoked  gate-1: its certificate until now')
    expect(certificate('devices/gate-1/client.pem').serialNumber).not.toBe(old.gate)
    expect(read('authority/index.txt')).toContain(old.gate)
    expect([read('broker/server.pem'), read('leitstand/client.pem')]).toEqual([old.server, old.application])
    certificates(folder, ['--host', 'other.example.org', '--force'])
    expect(certificate('broker/server.pem').subjectAltName).toContain('DNS:other.example.org')
    expect(read('leitstand/client.pem')).not.toBe(old.application)
    expect(read('broker/authority.pem')).toBe(old.authority)
  })

  it('revokes also what was handed over and deleted here', () => {
    const { folder, read, certificate } = made()
    const { serialNumber } = certificate('devices/gate-1/client.pem')
    rmSync(join(folder, 'secrets/devices'), { recursive: true })
    expect(certificates(folder, ['--device', 'gate-1']).stdout).toContain('gate-1 has a certificate already')
    const before = read('broker/revoked.pem')
    expect(certificates(folder, ['--revoke', 'gate-1']).stdout).toContain('revoked  gate-1: certificate\n')
    expect(read('authority/index.txt')).toContain(serialNumber)
    expect(read('broker/revoked.pem')).not.toBe(before)
    expect(certificates(folder, ['--revoke', 'gate-1'])).toMatchObject({ status: 1, stderr: 'There is nothing to revoke of gate-1: it has neither a certificate nor a password.\n' })
  })

  it('needs the authority’s key only to sign', () => {
    const { folder } = made()
    renameSync(join(folder, 'secrets/authority/authority.key'), join(folder, 'elsewhere'))
    expect(certificates(folder, ['--device', 'meter-1', '--password']).status).toBe(0)
    for (const args of [['--device', 'gate-2'], ['--revoke', 'gate-1']]) {
      expect(certificates(folder, args)).toMatchObject({ status: 1, stderr: expect.stringMatching(/^The authority's key is not at secrets\/authority\/authority\.key; bring it back/) })
    }
  })

  it('says in a sentence what is missing', () => {
    const folder = tempFolder()
    expect(certificates(folder, [])).toMatchObject({ status: 1, stderr: expect.stringMatching(/^--host is missing: .*\n$/) })
    expect(certificates(folder, ['--device', '+'])).toMatchObject({ status: 2, stderr: expect.stringContaining('npm run certificates -- --help lists the options.') })
    expect(readdirSync(folder)).toEqual([])
    expect(certificates(folder, FIRST, { PATH: folder })).toMatchObject({ status: 1, stderr: expect.stringMatching(/^The program openssl is missing; .*\n$/) })
    expect(certificates(folder, [...FIRST, '--folder', join(process.execPath, 'secrets')])).toMatchObject({ status: 1, stderr: expect.stringMatching(/^ENOTDIR: .*\n$/) })
  })

  it('makes no second authority beside what the first one signed', () => {
    const { folder } = made()
    rmSync(join(folder, 'secrets/broker/authority.pem'))
    expect(certificates(folder, FIRST)).toMatchObject({ status: 1, stderr: expect.stringMatching(/^secrets\/broker\/authority\.pem is gone, but what it signed is not; /) })
  })

  it('goes on where it was stopped, once openssl is there', () => {
    const folder = tempFolder()
    certificates(folder, FIRST, { PATH: folder })
    expect(certificates(folder, FIRST)).toMatchObject({ status: 0 })
  })
})
