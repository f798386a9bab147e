import { describe, expect, it } from 'vitest'
import { readOptions } from '../../../../tools/certificates/options'

const NOTHING = { hosts: [], devices: [], revoke: [], password: false, force: false, days: 1_825, folder: 'secrets', data: 'data', owner: undefined }

describe('the options of certificates', () => {
  it('have defaults', () => {
    expect(readOptions([])).toEqual({ kind: 'run', options: NOTHING })
    expect(readOptions(['--help', '--host', '!'])).toEqual({ kind: 'help' })
  })

  it('name hosts, devices and an owner', () => {
    const args = ['--host', 'broker.example.org', '--host', '2001:db8::7', '--host', 'broker.example.org', '--device', 'gate-1', '--device', 'Tor_2.a', '--password', '--owner', '998:33', '--days', '30']
    expect(readOptions(args)).toEqual({
      kind: 'run',
      options: { ...NOTHING, hosts: ['broker.example.org', '2001:db8::7'], devices: ['gate-1', 'Tor_2.a'], password: true, owner: { uid: 998, gid: 33 }, days: 30 },
    })
    expect(readOptions(['--owner', '1001'])).toHaveProperty('options.owner', { uid: 1001, gid: 1001 })
  })

  // Each of these would mean something in a topic, an access list, a password file, a path or a certificate's subject.
  it.each(['', '+', '#', 'a/b', '..', '.hidden', 'a:b', 'a b', 'a\nb', '/CN=x', 'a,b', 'ä', '-x', 'x'.repeat(65)])('refuse %j as the name of a device', (name) => {
    for (const option of ['device', 'revoke']) {
      expect(readOptions([`--${option}=${name}`])).toEqual({ kind: 'wrong', fault: expect.stringContaining('cannot be the name of a device: 1 to 64') })
    }
  })

  it.each([
    [['--device', 'leitstand'], '"leitstand" cannot be the name of a device: it has rights of its own at the broker.'],
    [['--device', 'healthcheck'], '"healthcheck" cannot be the name of a device: it has rights of its own at the broker.'],
    [['--host', 'a b'], '--host "a b" is neither a name such as broker.example.org nor an address such as 192.0.2.7.'],
    [['--host', 'x,DNS:y'], '--host "x,DNS:y" is neither a name such as broker.example.org nor an address such as 192.0.2.7.'],
    [['--days', '0'], '--days must be a whole number from 1 to 3650.'],
    [['--days', '4000'], '--days must be a whole number from 1 to 3650.'],
    [['--owner', 'root'], '--owner must be numbers such as 1000:1000.'],
    [['--folder', ''], '--folder and --data need the name of a folder.'],
    [['--fast'], 'Unknown option \'--fast\'.'],
    [['gate-1'], 'Unexpected argument \'gate-1\'.'],
  ])('%j are wrong', (args, fault) => {
    expect(readOptions(args)).toEqual({ kind: 'wrong', fault })
  })
})
