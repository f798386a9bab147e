import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { Aedes } from 'aedes'
import type { AedesOptions } from 'aedes'
import { describe, expect, it, onTestFinished } from 'vitest'
import { freePort } from '../../tools/programs/free-port'
import { startApp } from './support/app'
import { connectDevice, startMosquitto } from './support/broker'
import { makeCertificates } from './support/certificates'
import { mosquitto, openssl } from './support/dependencies'
import { connectStream } from './support/stream'
import { until } from './support/until'

/** A broker that speaks MQTT 3.1.1 only, with rules of the test's own. */
async function startOldBroker(options: AedesOptions = {}) {
  const broker = await Aedes.createBroker(options)
  const server = createServer(broker.handle).listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(async () => {
    await new Promise<void>(resolve => broker.close(resolve))
    server.close()
  })
  const address = server.address()
  return { url: `mqtt://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}`, broker }
}

describe('a broker that speaks MQTT 3.1.1 only', () => {
  it('is fallen back to, and said so', async () => {
    const { url } = await startOldBroker()
    const app = await startApp({ NUXT_MQTT_URL: url })
    expect((await app.untilBroker('connected')).broker).toMatchObject({ protocol: 'MQTT 3.1.1', embedded: false })
    expect(app.output()).toContain('MQTT 3.1.1]')
    const stream = await connectStream(app.url)
    const device = await connectDevice(url, { protocolVersion: 4 })
    await device.publishAsync('sensors/old/telemetry', '{"metrics":{"tempC":1}}', { qos: 1 })
    await stream.next('telemetry')
  })

  it('shows a refused subscription as a fault, in words', async () => {
    const { url } = await startOldBroker({ authorizeSubscribe: (_client, _subscription, done) => done(null, null) })
    const app = await startApp({ NUXT_MQTT_URL: url })
    const health = await app.untilBroker('subscription-refused')
    expect(health).toMatchObject({ status: 'fault', reason: expect.stringContaining('refused the subscription to sensors/#'), broker: { granted: [], refused: ['sensors/#'] } })
    expect((await fetch(`${app.url}/api/health`)).status).toBe(503)
  })

  it('tells a refused login from a missing right, and tries again', async () => {
    let returnCode = 4
    const { url } = await startOldBroker({
      authenticate(_client, _user, _password, done) {
        if (returnCode === 0) return done(null, true)
        done(Object.assign(new Error('refused'), { returnCode }), null)
      },
    })
    const app = await startApp({ NUXT_MQTT_URL: url })
    expect((await app.untilBroker('login-refused')).reason).toContain('refused the login')
    returnCode = 5
    await app.untilBroker('not-authorized')
    returnCode = 0
    await app.untilBroker('connected')
  })
})

describe('a broker that is not there', () => {
  it('does not keep the server from starting; health says why', async () => {
    const port = await freePort()
    const app = await startApp({ NUXT_MQTT_URL: `mqtt://user:secret@127.0.0.1:${port}` })
    const health = await app.untilBroker('unreachable')
    expect(health).toMatchObject({ status: 'fault', reason: expect.stringContaining('is the broker running'), broker: { url: `mqtt://127.0.0.1:${port}` } })
    expect(JSON.stringify(health) + app.output()).not.toContain('secret')
    expect(await app.get('/api/sensors')).toEqual([])
  })

  it('has an unknown name', async () => {
    const app = await startApp({ NUXT_MQTT_URL: 'mqtt://no-such-broker.invalid' })
    expect((await app.untilBroker('host-unknown')).reason).toContain('NUXT_MQTT_URL')
  })

  it('answers, but does not speak MQTT', async () => {
    const server = createServer(socket => socket.on('error', () => {}).end('HTTP/1.1 400 Bad Request\r\n\r\n')).listen(0, '127.0.0.1')
    await once(server, 'listening')
    onTestFinished(() => void server.close())
    const address = server.address()
    const app = await startApp({ NUXT_MQTT_URL: `mqtt://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}` })
    expect(await until(async () => (await app.health()).broker.attempts > 1 || undefined, 'two attempts')).toBe(true)
    expect((await app.health()).status).toBe('fault')
  })
})

describe.skipIf(!mosquitto)('Mosquitto', () => {
  it('speaks MQTT 5 with us and hears of our coming and going', async () => {
    const broker = await startMosquitto()
    const watcher = await connectDevice(broker.url)
    const words: string[] = []
    watcher.on('message', (_topic, payload) => words.push(String(payload)))
    await watcher.subscribeAsync('leitstand/status')
    const app = await startApp({ NUXT_MQTT_URL: broker.url })
    expect((await app.untilBroker('connected')).broker.protocol).toBe('MQTT 5.0')
    await until(() => words.at(-1) === 'online' || undefined, 'online')
    await app.stop()
    await until(() => words.at(-1) === 'offline' || undefined, 'offline')

    const killed = await startApp({ NUXT_MQTT_URL: broker.url })
    await until(() => words.at(-1) === 'online' || undefined, 'online again')
    await killed.stop('SIGKILL')
    await until(() => words.at(-1) === 'offline' || undefined, 'the last will')
  })

  it('wants a login: refused in words, accepted with the right one', async () => {
    const broker = await startMosquitto(['allow_anonymous false', 'password_file {folder}/passwords'], { passwords: 'leitstand:007x' })
    execFileSync('mosquitto_passwd', ['-U', join(broker.folder, 'passwords')])
    await broker.stop()
    await broker.start()
    const wrong = await startApp({ NUXT_MQTT_URL: broker.url, NUXT_MQTT_USERNAME: 'leitstand', NUXT_MQTT_PASSWORD: 'wrong', NUXT_MQTT_CLIENT_ID: 'wrong' })
    await until(async () => /login/.test((await wrong.health()).reason ?? '') || undefined, 'the refusal')
    const right = await startApp({ NUXT_MQTT_URL: broker.url, NUXT_MQTT_USERNAME: 'leitstand', NUXT_MQTT_PASSWORD: '007x' })
    await right.untilBroker('connected')
  })

  it('is given the login that stands percent-encoded in its address, and nobody else sees it', async () => {
    const broker = await startMosquitto(['allow_anonymous false', 'password_file {folder}/passwords'], { passwords: '' }, false)
    execFileSync('mosquitto_passwd', ['-b', join(broker.folder, 'passwords'), 'user@site', 'p:s/s:100%'])
    await broker.start()
    const app = await startApp({ NUXT_MQTT_URL: `mqtt://user%40site:p%3As%2Fs%3A100%25@127.0.0.1:${broker.port}` })
    const health = await app.untilBroker('connected')
    expect(health.broker.url).toBe(`mqtt://127.0.0.1:${broker.port}`)
    expect(JSON.stringify([health, await app.get('/api/doctor')]) + app.output()).not.toMatch(/user(?:@|%40)site|p(?::|%3A)s/)
  })

  it.skipIf(!openssl)('is reached over TLS, with a client certificate, and a wrong authority is named', async () => {
    const port = await freePort()
    const tls = [`listener ${port} 127.0.0.1`, 'cafile {folder}/ca.pem', 'certfile {folder}/server.pem', 'keyfile {folder}/server.key', 'require_certificate true', 'allow_anonymous true']
    const broker = await startMosquitto(tls, {}, false)
    makeCertificates(broker.folder)
    await broker.start()
    const url = `mqtts://localhost:${port}`
    const file = (name: string) => join(broker.folder, name)
    const blind = await startApp({ NUXT_MQTT_URL: url, NUXT_MQTT_CLIENT_ID: 'blind' })
    expect((await blind.untilBroker('tls-failed')).reason).toContain('NUXT_MQTT_CA_FILE')
    const app = await startApp({
      NUXT_MQTT_URL: url, NUXT_MQTT_CA_FILE: file('ca.pem'), NUXT_MQTT_CERT_FILE: file('client.pem'), NUXT_MQTT_KEY_FILE: file('client.key'),
    })
    await app.untilBroker('connected')
  })

  it('replays a retained message, which fills the value and makes nothing look alive', async () => {
    const broker = await startMosquitto()
    const device = await connectDevice(broker.url)
    await device.publishAsync('sensors/old/telemetry', '{"metrics":{"tempC":1}}', { qos: 1, retain: true })
    await device.publishAsync('sensors/dated/telemetry', '{"ts":"2025-11-02T12:00:00Z","metrics":{"tempC":1}}', { qos: 1, retain: true })
    await device.publishAsync('sensors/tor-1/state', '{"status":"open","updated_at":"2025-11-03T12:40:00Z"}', { qos: 1, retain: true })
    const app = await startApp({ NUXT_MQTT_URL: broker.url })
    await until(async () => (await app.health()).devices === 3 || undefined, 'three devices')
    expect(await app.get('/api/sensors/old')).toMatchObject({ lastSeen: null, lastTelemetry: { metrics: { tempC: 1 }, replayed: true } })
    expect(await app.get('/api/sensors/dated')).toMatchObject({ lastSeen: '2025-11-02T12:00:00Z' })
    expect(await app.get('/api/sensors/tor-1')).toMatchObject({ lastSeen: '2025-11-03T12:40:00Z', state: { status: 'open', replayed: true } })
  })

  it('keeps what arrives at QoS 1 while the server is away', async () => {
    const broker = await startMosquitto()
    const env = { NUXT_MQTT_URL: broker.url, NUXT_DATA_DIR: join(broker.folder, 'data') }
    const first = await startApp(env)
    await first.untilBroker('connected')
    await first.stop()
    const device = await connectDevice(broker.url)
    for (let n = 0; n < 100; n++) await device.publishAsync(`sensors/d${n}/telemetry`, '{"metrics":{"tempC":1}}', { qos: 1 })
    const second = await startApp(env)
    await until(async () => (await second.health()).devices === 100 || undefined, 'all that was queued')
  })

  it('is restarted five times under 200 messages a second: every acknowledged message arrives', async () => {
    const port = await freePort()
    const app = await startApp({ NUXT_MQTT_URL: `mqtt://127.0.0.1:${port}` })
    await app.untilBroker('unreachable')
    const broker = await startMosquitto([`listener ${port} 127.0.0.1`, 'allow_anonymous true', 'max_inflight_messages 1000'])
    await app.untilBroker('connected')
    const stream = await connectStream(app.url)
    const device = await connectDevice(`mqtt://127.0.0.1:${port}`, { reconnectPeriod: 100, clientId: 'gate', clean: false, properties: { sessionExpiryInterval: 600 } })
    device.on('error', () => {})

    let sent = 0
    const acknowledged: Promise<unknown>[] = []
    const timer = setInterval(() => acknowledged.push(device.publishAsync('sensors/gate/telemetry', `{"metrics":{"n":${sent++}}}`, { qos: 1 })), 5)
    for (let round = 1; round <= 5; round++) {
      const reached = sent + 150
      await until(() => sent > reached || undefined, 'traffic')
      await broker.stop()
      await app.untilBroker('unreachable')
      await broker.start()
      const back = Date.now()
      await app.untilBroker('connected')
      expect(Date.now() - back).toBeLessThan(5_000)
      await stream.next('broker', ({ data }) => data.code === 'connected')
    }
    clearInterval(timer)
    await Promise.all(acknowledged)
    await until(() => numbers().size === sent || undefined, `all ${sent} numbers`)

    function numbers() {
      return new Set(stream.events.flatMap(event => event.type === 'telemetry' ? event.data.metrics.n : []))
    }
  })
})
