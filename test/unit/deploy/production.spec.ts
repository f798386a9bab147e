// deploy/compose.production.yaml and what it names, as far as they can be judged without an engine.
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { findProgram } from '../../../tools/programs/find'
import { readCompose, sharedNetworks, unknownSettings } from '../support/compose'
import { certificates, lastingFolder } from '../tools/certificates/support'
import type { LastingFolder } from '../tools/certificates/support'

const compose = readCompose('deploy/compose.production.yaml')
const { services, secrets, networks } = compose
const listed = Object.entries(services)
const mosquittoLines = readFileSync('mosquitto/production/mosquitto.conf', 'utf8').split('\n').filter(line => line && !line.startsWith('#'))
const openssl = findProgram('openssl')

/** The lines of each listener of the broker's configuration, by its port; what stands before the first is under ''. */
function listeners(): Map<string, string[]> {
  const sections = new Map<string, string[]>([['', []]])
  let section = ''
  for (const line of mosquittoLines) {
    const port = /^listener (.+)/.exec(line)?.[1]
    if (port) sections.set(section = port, [])
    else sections.get(section)?.push(line)
  }
  return sections
}

describe('deploy/compose.production.yaml', () => {
  // That each service is read-only, without capabilities, limited and watched, is in the schema above.
  it('has Caddy, the application and the broker', () => {
    expect(Object.keys(services).sort()).toEqual(['caddy', 'leitstand', 'mosquitto'])
  })

  it('lets nobody be root', () => {
    for (const [name, { user }] of listed) expect([name, user]).toEqual([name, '${LEITSTAND_USER:-1000:1000}'])
  })

  it('gives one capability back, to Caddy, whose program does not start without it', () => {
    expect(listed.flatMap(([name, { cap_add }]) => cap_add.map(capability => `${name} ${capability}`))).toEqual(['caddy NET_BIND_SERVICE'])
  })

  it('publishes nothing but TLS: the pages (and their redirect), and the listener that asks for certificates', () => {
    expect(listed.flatMap(([name, { ports }]) => ports.map(port => `${name} ${port}`))).toEqual(['caddy 80:8080', 'caddy 443:8443', 'mosquitto 8883:8883'])
    const caddyfile = readFileSync('deploy/caddy/Caddyfile', 'utf8')
    expect(caddyfile).toMatch(/^\thttp_port 8080\n\thttps_port 8443$/m)
    expect(listeners().get('8883')).toEqual(expect.arrayContaining(['require_certificate true', 'use_identity_as_username true', 'use_username_as_clientid true', 'crlfile secrets/broker/revoked.pem']))
  })

  it('keeps the application away from everything but Caddy and the broker', () => {
    expect(Object.keys(services.leitstand?.networks ?? {}).map(name => networks[name])).toEqual([{ internal: true }, { internal: true }])
    const shared = (one: string, other: string) => sharedNetworks(compose, one, other)
    expect([shared('caddy', 'leitstand'), shared('leitstand', 'mosquitto'), shared('caddy', 'mosquitto')]).toEqual([['pages'], ['messages'], []])
  })

  it('names only settings that there are, and no secret', () => {
    const named = Object.keys(services.leitstand?.environment ?? {}).filter(name => name.startsWith('NUXT_'))
    expect(named.length).toBeGreaterThan(3)
    expect(unknownSettings(services.leitstand?.environment ?? {})).toEqual([])
    expect(listed.flatMap(([, { environment }]) => Object.keys(environment)).filter(name => /PASSWORD|SECRET|TOKEN/.test(name) && !name.endsWith('_FILE'))).toEqual([])
  })

  it('gives the application each file that its settings name', () => {
    const { environment = {}, secrets: given = [] } = services.leitstand ?? {}
    const files = Object.entries(environment).filter(([name]) => name.endsWith('_FILE')).map(([, file]) => file)
    expect(files.sort()).toEqual(given.map(name => `/run/secrets/${name}`).sort())
    expect(given.filter(name => !secrets[name])).toEqual([])
  })

  it('watches Caddy where it answers', () => {
    expect(services.caddy?.healthcheck.test.at(-1)).toBe('http://127.0.0.1:8081')
    expect(readFileSync('deploy/caddy/Caddyfile', 'utf8')).toContain('http://127.0.0.1:8081 {\n\tbind 127.0.0.1\n')
  })

  describe.skipIf(!openssl)('with what `npm run certificates` makes', () => {
    let made: LastingFolder
    const isThere = (path: string) => existsSync(path) || existsSync(join(made.folder, path))
    beforeAll(() => {
      made = lastingFolder()
      expect(certificates(made.folder, ['--host', 'broker.example.org']).status).toBe(0)
    })
    afterAll(() => made.remove())

    it('mounts only what is there', () => {
      const sources = [...listed.flatMap(([, { volumes }]) => volumes.map(volume => volume.split(':')[0] ?? '')), ...Object.values(secrets).map(({ file }) => file)]
      expect(sources.length).toBeGreaterThan(6)
      expect(sources.filter(path => !isThere(path))).toEqual([])
    })

    it('mounts every file that the broker’s configuration names, and nothing of the authority', () => {
      const files = mosquittoLines.flatMap(line => /^(?:\w+file|\w+_file|persistence_location) (\S+)$/.exec(line)?.[1] ?? [])
      const mounts = services.mosquitto?.volumes.map(volume => volume.split(':')[1] ?? '') ?? []
      expect(files.length).toBeGreaterThan(9)
      expect(files.filter(file => !mounts.some(mount => `/${file}`.startsWith(`${mount}/`)))).toEqual([])
      expect(files.filter(file => file !== 'mosquitto/data/' && !isThere(file))).toEqual([])
      expect(mounts.some(mount => services.mosquitto?.command?.at(-1)?.startsWith(`${mount}/`))).toBe(true)
      expect(existsSync(join(made.folder, 'secrets/broker/authority.key'))).toBe(false)
    })

    it('can be written to only where data is kept', () => {
      const writable = listed.flatMap(([, { volumes }]) => volumes.filter(volume => !volume.endsWith(':ro')))
      expect(writable.map(volume => volume.split(':')[0])).toEqual(['./data/caddy', './data/leitstand', './data/mosquitto'])
    })
  })
})

describe('the production form of the broker', () => {
  it('lets nobody in without a name', () => {
    expect(listeners().get('')).toEqual(['allow_anonymous false', 'password_file secrets/broker/passwords', 'acl_file mosquitto/production/access.conf'])
    expect(mosquittoLines.filter(line => line.includes('anonymous'))).toEqual(['allow_anonymous false'])
  })

  it('listens without TLS only to itself', () => {
    for (const [listener, lines] of listeners()) {
      if (listener) expect([listener, lines.some(line => line.startsWith('certfile '))]).toEqual([listener, listener !== '1883 127.0.0.1'])
    }
  })

  it('asks for a password where it does not ask for a certificate', () => {
    for (const listener of ['8883', '8885']) expect(listeners().get(listener)).toEqual(expect.arrayContaining(['require_certificate true', 'use_identity_as_username true']))
    expect(listeners().get('8884')?.join('\n')).not.toMatch(/identity|require/)
  })

  it('judges by the user name, never by the client id that somebody claims', () => {
    const rules = readFileSync('mosquitto/production/access.conf', 'utf8').split('\n').filter(line => line && !line.startsWith('#'))
    expect(rules.filter(rule => rule.startsWith('pattern'))).toEqual(['pattern write sensors/%u/telemetry', 'pattern write sensors/%u/state', 'pattern read commands/%u/#'])
    // A rule before the first user would hold for those without a name.
    expect(rules.findIndex(rule => rule.startsWith('topic'))).toBeGreaterThan(rules.findIndex(rule => rule.startsWith('user')))
  })
})
