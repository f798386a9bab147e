import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { addressIn, internalHosts } from '../../../../tools/prove/addresses'
import { ComposeFault, imageOf, readCompose, startOrder } from '../../../../tools/prove/compose-file'
import { runArguments, secondsOf } from '../../../../tools/prove/service'

/** A project with one file, `compose.yaml`, and perhaps a `.env`. */
function projectWith(text: string, env = ''): string {
  const folder = mkdtempSync(join(tmpdir(), 'leitstand-compose-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  writeFileSync(join(folder, 'compose.yaml'), text)
  writeFileSync(join(folder, '.env'), env)
  return folder
}

const service = (lines: string) => `name: p\nservices:\n  one:\n    image: nginx:1\n    restart: unless-stopped\n${lines}`
const read = (text: string, env?: string) => readCompose(projectWith(text, env), ['compose.yaml'])

describe('a Compose file that is to be started', () => {
  it.each([
    ['a service', service('    privileged: true\n'), 'services.one: Unrecognized key: "privileged"'],
    ['a health check', service('    healthcheck: { test: [CMD, a], interval: 1s, timeout: 1s, start_period: 1s, retries: 1, disable: true }\n'), 'services.one.healthcheck: Unrecognized key: "disable"'],
    ['a network', `${service('')}networks:\n  a: { driver: macvlan }\n`, 'networks.a: Unrecognized key: "driver"'],
    ['the file', `${service('')}configs: {}\n`, 'Unrecognized key: "configs"'],
  ])('is refused for a key of %s that is not known', (_, text, sentence) => {
    expect(() => read(text)).toThrow(ComposeFault)
    expect(() => read(text)).toThrow(sentence)
  })

  it('is refused for a value that would be started otherwise', () => {
    expect(() => read(service('    restart: always\n').replace('    restart: unless-stopped\n', ''))).toThrow('services.one.restart')
    expect(() => read(service('    healthcheck: { test: [CMD-SHELL, a], interval: 1s, timeout: 1s, start_period: 1s, retries: 1 }\n'))).toThrow('exec form')
  })

  it('gets variables, defaults and dollars where Compose puts them', () => {
    const text = service('    environment:\n      A: ${A:-x}\n      B: ${B:-y}\n      C: $$SYS/${A:?needed}\n')
    expect(read(text, 'A=1\n').services.one?.environment).toEqual({ A: '1', B: 'y', C: '$SYS/1' })
    expect(() => read(text)).toThrow('A must be set: needed')
    expect(() => read(service('    user: $USER\n'))).toThrow('"$USER" has a $')
  })

  it('starts nothing before what it depends on', () => {
    const depends = (one: string, other: string) => `  ${one}:\n    image: a/b:1\n    restart: unless-stopped\n    depends_on:\n      ${other}: { condition: service_healthy }\n`
    expect(startOrder(read(`name: p\nservices:\n${depends('b', 'c')}  c:\n    image: c:1\n    restart: unless-stopped\n`))).toEqual(['c', 'b'])
    expect(() => startOrder(read(`name: p\nservices:\n${depends('b', 'c')}${depends('c', 'b')}`))).toThrow('b > c > b is a circle')
    expect(() => startOrder(read(`name: p\nservices:\n${depends('b', 'd')}`))).toThrow('b depends on d, which is no service')
  })

  it('mounts only what the file declares', () => {
    const compose = read(service('    volumes:\n      - data:/data\n'))
    expect(() => runArguments(compose, 'one')).toThrow('data is neither a path below the project nor a volume of the file')
  })

  it('takes durations in seconds and minutes only', () => {
    expect([secondsOf('30s'), secondsOf('1m')]).toEqual([30, 60])
    expect(() => secondsOf('1h')).toThrow('1h is no duration')
  })
})

describe('the Compose files of the project', () => {
  const project = () => {
    const folder = projectWith('', 'LEITSTAND_HOST=leitstand.example.org\nLEITSTAND_BROKERS_COOKIE=secret\n')
    for (const path of ['compose.yaml', 'deploy']) cpSync(path, join(folder, path), { recursive: true })
    return folder
  }

  it.each([
    [['compose.yaml'], 2],
    [['deploy/compose.production.yaml'], 3],
    [['deploy/compose.cluster.yaml'], 9],
    [['compose.yaml', 'deploy/compose.monitoring.yaml'], 4],
  ])('%j are understood to the last key', (files, count) => {
    const compose = readCompose(project(), files)
    expect(startOrder(compose)).toHaveLength(count)
    for (const name of startOrder(compose)) expect(runArguments(compose, name)).toContain(imageOf(compose, name))
  })

  it('start the application of compose.yaml without rights, on a file system that cannot be changed', () => {
    const args = runArguments(readCompose(project(), ['compose.yaml']), 'leitstand').join(' ')
    for (const option of ['--read-only --read-only-tmpfs=false', '--cap-drop ALL', '--security-opt no-new-privileges', '--publish 127.0.0.1:3000:3000']) expect(args).toContain(option)
  })

  it('name each service to those in its internal networks, and to no other', () => {
    const production = readCompose(project(), ['deploy/compose.production.yaml'])
    const names = (service: string) => internalHosts(production, service).map(host => host.split(':')[0])
    expect([names('caddy'), names('leitstand'), names('mosquitto')]).toEqual([['leitstand'], ['caddy', 'mosquitto'], ['leitstand']])
    expect(internalHosts(production, 'leitstand').map(host => host.split(':')[1])).toContain(addressIn(production, 'pages', 'caddy'))
    const cluster = readCompose(project(), ['deploy/compose.cluster.yaml'])
    expect(internalHosts(cluster, 'leitstand-1')).toContain(`mosquitto:${addressIn(cluster, 'messages', 'balancer')}`)
    expect(addressIn(cluster, 'pages', 'leitstand-1')).toBe('172.30.41.11')
    expect(addressIn(cluster, 'devices', 'balancer')).toBeUndefined()
  })
})
