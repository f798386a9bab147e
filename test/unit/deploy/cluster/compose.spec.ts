// deploy/compose.cluster.yaml and what it names, as far as they can be judged without an engine. That each service is read-only, without
// capabilities, limited and watched, is in the schema that reads it.
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { readCompose, sharedNetworks, unknownSettings } from '../../support/compose'

const compose = readCompose('deploy/compose.cluster.yaml')
const { services, secrets, networks } = compose
const listed = Object.entries(services)
const named = (start: string) => listed.filter(([name]) => name.startsWith(start))
const REPLICAS = ['leitstand-1', 'leitstand-2', 'leitstand-3']
const BROKERS = ['emqx-1', 'emqx-2', 'emqx-3']
const nginx = readFileSync('deploy/cluster/nginx.conf', 'utf8')
const emqx = readFileSync('deploy/cluster/emqx.conf', 'utf8')
const rules = readFileSync('deploy/cluster/acl.conf', 'utf8').split('\n').filter(line => line && !line.startsWith('%%'))

/** What is the same in all, without what has to differ. */
const alike = (start: string, ...differing: RegExp[]) => named(start).map(([, service]) => {
  const text = JSON.stringify({ ...service, build: undefined })
  return differing.reduce((rest, pattern) => rest.replaceAll(pattern, ''), text)
})

describe('deploy/compose.cluster.yaml', () => {
  it('has three brokers, three replicas, a database, the balancer and Caddy', () => {
    expect(Object.keys(services).sort()).toEqual(['balancer', 'caddy', 'database', ...BROKERS, ...REPLICAS].sort())
  })

  it('makes replicas alike, and brokers alike', () => {
    expect(new Set(alike('leitstand', /leitstand-\d/g, /172\.30\.41\.1\d/g)).size).toBe(1)
    // The seeds name all three.
    expect(new Set(alike('emqx', /"EMQX_NODE__NAME":"emqx@emqx-\d\.cluster\.internal"/g, /data\/emqx-\d/g, /"aliases":\["emqx-\d[^"]*"\]/g, /172\.30\.42\.1\d/g)).size).toBe(1)
    expect(named('emqx').map(([name, { environment }]) => environment.EMQX_NODE__NAME === `emqx@${name}.cluster.internal`)).toEqual([true, true, true])
    // One name for all: a replica that is started anew goes on with a session that another one has had.
    for (const [, { environment }] of named('leitstand')) expect(environment.NUXT_MQTT_CLIENT_ID).toBeUndefined()
  })

  it('builds the image of the application once, for all', () => {
    expect(listed.filter(([, { build }]) => build).map(([name]) => name)).toEqual(['leitstand-1'])
    expect(new Set(named('leitstand').map(([, { image }]) => image))).toEqual(new Set(['leitstand:cluster']))
  })

  it('takes the last EMQX that may be a cluster without a commercial licence, and a database of a fixed version', () => {
    for (const [, { image }] of named('emqx')) expect(image).toMatch(/^emqx\/emqx:5\.8\.\d+$/)
    expect(services.database?.image).toMatch(/:pg17\.\d+-ts[\d.]+$/)
  })

  it('publishes nothing but TLS', () => {
    expect(listed.flatMap(([name, { ports }]) => ports.map(port => `${name} ${port}`))).toEqual(['caddy 80:8080', 'caddy 443:8443', 'balancer 8883:8883'])
    expect(nginx).not.toMatch(/\blisten 1883/)
  })

  it('lets each reach only whom it needs', () => {
    const shared = (one: string, other: string) => sharedNetworks(compose, one, other).join()
    for (const replica of REPLICAS) {
      expect([shared(replica, 'database'), shared(replica, 'balancer'), shared(replica, 'caddy')]).toEqual(['storage', 'messages,pages', ''])
      expect(Object.keys(services[replica]?.networks ?? {}).map(name => networks[name]?.internal)).toEqual([true, true, true])
    }
    for (const broker of BROKERS) expect([shared(broker, 'balancer'), shared(broker, 'database'), shared(broker, 'caddy'), shared(broker, 'emqx-1').includes('brokers')]).toEqual(['messages', '', '', true])
    expect([shared('database', 'balancer'), shared('database', 'caddy'), shared('caddy', 'balancer')]).toEqual(['', '', 'front'])
  })

  it('gives every name in nginx.conf the address that its container has', () => {
    const addresses = new Map(services.balancer?.extra_hosts.map(host => host.split(':')).map(([name, address]) => [name, address]))
    const names = [...nginx.matchAll(/server ([\w-]+):(\d+) /g)].map(([, name = '', port]) => ({ name, port }))
    expect(names.map(({ name, port }) => `${name}:${port}`)).toEqual([...[...REPLICAS, ...REPLICAS].map(name => `${name}:3000`), ...BROKERS.map(name => `${name}:8883`), ...BROKERS.map(name => `${name}:8885`)])
    for (const { name } of names) {
      const network = name.startsWith('emqx') ? 'messages' : 'pages'
      const address = services[name]?.networks[network]?.ipv4_address ?? ''
      expect([name, address]).toEqual([name, addresses.get(name)])
      // Fixed addresses lie where none is given to anybody else: in the lower half of the network.
      const [range] = networks[network]?.ipam?.config ?? []
      expect(range?.subnet).toBe(address.replace(/\d+$/, '0/24'))
      expect(range?.ip_range).toBe(address.replace(/\d+$/, '128/25'))
      expect(Number(address.split('.')[3])).toBeLessThan(128)
    }
  })

  it('names only settings that there are, and no secret', () => {
    for (const replica of REPLICAS) {
      const { environment = {}, secrets: given = [] } = services[replica] ?? {}
      expect(unknownSettings(environment)).toEqual([])
      const files = Object.entries(environment).filter(([name]) => name.endsWith('_FILE')).map(([, file]) => file)
      expect(files.sort()).toEqual(given.map(name => `/run/secrets/${name}`).sort())
      expect(given.filter(name => !secrets[name])).toEqual([])
    }
    const secretive = listed.flatMap(([, { environment }]) => Object.entries(environment)).filter(([name]) => /PASSWORD|SECRET|TOKEN|COOKIE/.test(name) && !name.endsWith('_FILE'))
    expect(new Set(secretive.map(([name, value]) => `${name} ${value.slice(0, 2)}`))).toEqual(new Set(['EMQX_NODE__COOKIE ${']))
  })

  it('leads the replicas to the brokers by the name that is in their certificate', () => {
    expect(services['leitstand-1']?.environment.NUXT_MQTT_URL).toBe('mqtts://mosquitto:8885')
    expect(services.balancer?.networks.messages?.aliases).toEqual(['mosquitto'])
    expect(readFileSync('tools/certificates/make.ts', 'utf8')).toContain(`const OWN_HOSTS = ['mosquitto',`)
  })

  it('can be written to only where data is kept', () => {
    const writable = listed.flatMap(([, { volumes }]) => volumes.filter(volume => !volume.endsWith(':ro')).map(volume => volume.split(':')[0]))
    expect(writable.sort()).toEqual(['caddy', 'database', ...BROKERS, ...REPLICAS].map(name => `./data/${name}`).sort())
  })
})

describe('the brokers of the cluster', () => {
  it('listen only where a certificate is asked for', () => {
    const enabled = [...emqx.matchAll(/^listeners\.(\w+\.\w+) \{\n([\s\S]*?)^\}/gm)]
    expect(enabled.map(([, name]) => name)).toEqual(['ssl.default', 'ssl.application'])
    for (const [, , body] of enabled) expect(body).toMatch(/verify = verify_peer\n\s+fail_if_no_peer_cert = true/)
    for (const listener of ['tcp', 'ws', 'wss']) expect(emqx).toContain(`\nlisteners.${listener}.default.enable = false\n`)
    expect(emqx).toContain('\ndashboard.listeners.http.bind = 0\n')
  })

  it('believe the certificate who a device is, and keep its messages together', () => {
    for (const line of ['peer_cert_as_username = cn', 'peer_cert_as_clientid = cn', 'shared_subscription_strategy = hash_clientid', 'no_match = deny']) expect(emqx).toContain(`  ${line}\n`)
    expect(emqx).toContain('\nzones.application.mqtt.peer_cert_as_clientid = disabled\n')
  })

  it('allow what the production form of the broker allows, and nothing after it', () => {
    expect(rules).toEqual([
      '{allow, {username, "leitstand"}, subscribe, ["#"]}.',
      '{allow, {username, "leitstand"}, publish, ["leitstand/status", "leitstand/status/+", "commands/#"]}.',
      '{deny, {username, "leitstand"}}.',
      '{allow, all, publish, ["sensors/${username}/telemetry", "sensors/${username}/state"]}.',
      '{allow, all, subscribe, ["commands/${username}/#"]}.',
      '{deny, all}.',
    ])
  })
})
