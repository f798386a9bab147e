// What goes wrong at the start or on the way to the broker is said in one sentence that says what to do.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { freePort } from '../../tools/programs/free-port'
import { startApp } from './support/app'
import { startMosquitto } from './support/broker'
import { makeCertificates } from './support/certificates'
import { mosquitto, openssl } from './support/dependencies'
import { ENTRY } from './support/launch'
import type { Env } from './support/launch'
import { until } from './support/until'

function tempFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'leitstand-sentences-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** A start that ends by itself: its exit code and everything that it said. */
async function failedStart(env: Env): Promise<{ code: unknown, output: string, errors: string }> {
  const child = spawn(process.execPath, [ENTRY], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: process.env.PATH, NODE_ENV: 'production', NUXT_MQTT_EMBEDDED_PORT: '0', NUXT_DATA_DIR: tempFolder(), PORT: '0', ...env },
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  let output = ''
  let errors = ''
  child.stdout.on('data', (chunk) => { output += String(chunk) })
  child.stderr.on('data', (chunk) => { output += String(chunk); errors += String(chunk) })
  const [code] = await once(child, 'close')
  return { code, output, errors }
}

const STACK = /^\s+at |node:internal|Error:/m

async function expectSentence(env: Env, sentence: string | RegExp) {
  const { code, output, errors } = await failedStart(env)
  expect(code, output).toBe(1)
  expect(output).not.toMatch(STACK)
  const lines = errors.trim().split('\n')
  expect(lines.at(-1)).toMatch(/^\[leitstand\] .*\.$/)
  if (typeof sentence === 'string') expect(lines.at(-1)).toContain(sentence)
  else expect(lines.at(-1)).toMatch(sentence)
}

describe('where the server listens', () => {
  it('a port that is taken', async () => {
    const other = createServer().listen(0, '127.0.0.1')
    await once(other, 'listening')
    onTestFinished(() => void other.close())
    const port = String(portOf(other.address()))
    await expectSentence({ PORT: port }, `Port ${port} of 127.0.0.1 is taken by another program: stop that, or set PORT to another one.`)
    await expectSentence({ PORT: port, HOST: '0.0.0.0' }, `Port ${port} of 0.0.0.0 is taken`)
  })

  it.each([
    ['an address of another machine', { HOST: '192.0.2.1' }, 'HOST names 192.0.2.1, which is no address of this machine'],
    ['a name that nobody knows', { HOST: 'nowhere.invalid' }, 'HOST names nowhere.invalid, which is neither an address nor a name'],
    ['a port that is none', { PORT: 'abc' }, 'PORT must be a whole number from 0 to 65535.'],
    ['a port that is too large', { PORT: '70000' }, 'PORT must be a whole number from 0 to 65535.'],
    ['a socket where no folder is', { NITRO_UNIX_SOCKET: '/nowhere/socket' }, 'NITRO_UNIX_SOCKET'],
    ['a certificate that is none', { NITRO_SSL_CERT: 'x', NITRO_SSL_KEY: 'y' }, 'NITRO_SSL_CERT and NITRO_SSL_KEY have to hold a certificate and its key'],
  ])('%s', async (_, env, sentence) => expectSentence(env, sentence))
})

it('a data folder that is a file', async () => {
  const file = join(tempFolder(), 'data')
  writeFileSync(file, '')
  await expectSentence({ NUXT_DATA_DIR: file }, 'NUXT_DATA_DIR names a file where a folder is needed: name another place, or take the file away.')
})

describe.skipIf(!openssl)('files for TLS', () => {
  let folder: string
  const file = (name: string, text?: string) => {
    if (text !== undefined) writeFileSync(join(folder, name), text)
    return join(folder, name)
  }
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'leitstand-pem-'))
    makeCertificates(folder)
    return () => rmSync(folder, { recursive: true })
  })
  const url = 'mqtts://127.0.0.1:1'

  it('an authority without a certificate', async () => {
    const ca = (path: string) => ({ NUXT_MQTT_URL: url, NUXT_MQTT_CA_FILE: path })
    await expectSentence(ca(file('empty', ' \n')), /NUXT_MQTT_CA_FILE names a file that is empty: it has to hold .* PEM/)
    await expectSentence(ca(file('ca.key')), 'NUXT_MQTT_CA_FILE names a file with a key and no certificate')
    await expectSentence(ca(file('text', 'hello')), 'NUXT_MQTT_CA_FILE names a file without any')
    await expectSentence(ca(file('broken', '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n')), 'NUXT_MQTT_CA_FILE names a file with a certificate that is damaged')
    await expectSentence(ca(folder), 'NUXT_MQTT_CA_FILE names a file that cannot be read')
  })

  it('a certificate and a key that do not belong together', async () => {
    const client = (cert: string, key: string) => ({ NUXT_MQTT_URL: url, NUXT_MQTT_CERT_FILE: cert, NUXT_MQTT_KEY_FILE: key })
    await expectSentence(client(file('client.key'), file('client.key')), 'NUXT_MQTT_CERT_FILE names a file with a key and no certificate')
    await expectSentence(client(file('client.pem'), file('client.pem')), 'NUXT_MQTT_KEY_FILE names a file with a certificate and no key')
    await expectSentence(client(file('client.pem'), file('server.key')), 'NUXT_MQTT_KEY_FILE names a file with another key')
    await expectSentence(client(file('client.pem'), ''), 'NUXT_MQTT_KEY_FILE must be set where NUXT_MQTT_CERT_FILE is')
    await expectSentence(client('', file('client.key')), 'NUXT_MQTT_CERT_FILE must be set where NUXT_MQTT_KEY_FILE is')
  })
})

describe.skipIf(!mosquitto || !openssl)('the other protocol at the broker’s port', () => {
  async function reasonAt(url: string): Promise<string> {
    const app = await startApp({ NUXT_MQTT_URL: url })
    const { reason } = await app.untilBroker('tls-failed')
    expect(app.output()).not.toMatch(STACK)
    await app.stop()
    return reason ?? ''
  }
  async function tlsBroker(...lines: string[]): Promise<number> {
    const port = await freePort()
    const broker = await startMosquitto([`listener ${port} 127.0.0.1`, ...lines, 'cafile {folder}/ca.pem', 'certfile {folder}/server.pem', 'keyfile {folder}/server.key', 'allow_anonymous true'], {}, false)
    makeCertificates(broker.folder)
    await broker.start()
    return port
  }

  it('TLS where none is expected', async () => {
    const port = await freePort()
    const broker = await startMosquitto(['allow_anonymous true', `listener ${port} 127.0.0.1`, 'protocol websockets', 'allow_anonymous true'])
    expect(await reasonAt(`mqtts://127.0.0.1:${broker.port}`)).toMatch(/expects none there: set NUXT_MQTT_URL to mqtt:\/\//)
    expect(await reasonAt(`wss://127.0.0.1:${port}`)).toMatch(/speaks no TLS there: set NUXT_MQTT_URL to mqtt:\/\/ \(ws:\/\/ for WebSocket\)/)
  })

  it('none where TLS is expected', async () => {
    expect(await reasonAt(`mqtt://127.0.0.1:${await tlsBroker()}`)).toMatch(/expects TLS at this port: set NUXT_MQTT_URL to mqtts:\/\//)
    expect(await reasonAt(`ws://127.0.0.1:${await tlsBroker('protocol websockets')}`)).toMatch(/expects TLS at this port/)
  })
})

it('HTTPS spoken to the port of the pages', async () => {
  const app = await startApp()
  await expect(fetch(app.url.replace('http:', 'https:'))).rejects.toThrow()
  await until(() => /speaks HTTP: use http:\/\//.test(app.output()) || undefined, 'the sentence')
  expect((await app.health()).refused).toEqual({ 'request-malformed': 1 })
  expect(app.output()).not.toMatch(STACK)
})

it('a variable that is nearly a setting, and the start goes on', async () => {
  const app = await startApp({ NUXT_MQTT_URI: 'mqtt://secret@broker:1883', NUXT_HISTORY_RAWDAYS: '3', NUXT_PUBLIC_THING: 'x', NUXT_APP_BASE_URL: '/' })
  expect(app.output()).toContain('NUXT_MQTT_URI is no setting and is not looked at; NUXT_MQTT_URL is one. Was that meant?')
  expect(app.output()).toContain('NUXT_HISTORY_RAWDAYS is no setting and is not looked at; NUXT_HISTORY_RAW_DAYS is one. Was that meant?')
  expect(app.output().match(/is no setting/g)).toHaveLength(2)
  expect(app.output()).not.toContain('secret')
})

function portOf(address: AddressInfo | string | null): number {
  if (typeof address !== 'object' || address === null) throw new Error('no port')
  return address.port
}
