import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { IClientOptions, MqttClient } from 'mqtt'
import { DeviceStateSchema } from '#shared/schemas/device'
import { ExaminationSchema } from '#shared/schemas/doctor'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { startApp } from './support/app'
import { mosquitto, mosquittoSub, openssl } from './support/dependencies'
import { asApplication, enter, makeSecrets, startProduction, withCertificate, withPassword } from './support/production'
import type { Production } from './support/production'
import { connectStream } from './support/stream'
import { until } from './support/until'

const TELEMETRY = '{"metrics":{"tempC":21.5}}'
const STATE = '{"status":"open","updated_at":"2025-11-03T12:40:00Z"}'
let site: Production

/** With the application's credentials, told everything that is published from now on. */
async function watch() {
  const client = await enter({ ...withCertificate(site, 'leitstand', 8885), clientId: 'watcher' })
  const topics: string[] = []
  client.on('message', (topic, _payload, { retain }) => {
    if (!retain) topics.push(topic)
  })
  await client.subscribeAsync('#', { qos: 1 })
  return { client, topics }
}

/** Publishes what should be refused, then what is allowed: when that has come, all that came before it is known. */
async function publishAll(client: MqttClient, refused: string[], allowed: string): Promise<string[]> {
  const { topics } = await watch()
  for (const topic of refused) await client.publishAsync(topic, TELEMETRY, { qos: 1 }).catch(() => {})
  await client.publishAsync(allowed, TELEMETRY, { qos: 1 })
  await until(() => topics.includes(allowed) || undefined, `${allowed} to arrive`)
  return topics
}

const device = (name: string, options: IClientOptions = {}) => enter({ ...withCertificate(site, `devices/${name}`), ...options })

describe.skipIf(!mosquitto || !openssl)('the production form of the broker', () => {
  beforeAll(async () => {
    const secrets = makeSecrets('--device', 'gate-1', '--device', 'gate-2', '--device', 'gate-9')
    secrets.certificates('--device', 'meter-1', '--password')
    site = await startProduction(secrets)
  })
  afterAll(async () => {
    await site.stop()
    site.remove()
  })

  describe('a device', () => {
    it('publishes as itself', async () => {
      const { topics } = await watch()
      const gate = await device('gate-1')
      await gate.publishAsync('sensors/gate-1/telemetry', TELEMETRY, { qos: 1 })
      await gate.publishAsync('sensors/gate-1/state', STATE, { qos: 1 })
      await until(() => topics.length === 2 || undefined, 'both messages')
      expect(topics).toEqual(['sensors/gate-1/telemetry', 'sensors/gate-1/state'])
    })

    const OTHERS = ['sensors/gate-2/telemetry', 'sensors/gate-2/state', 'sensors/gate-1/other', 'sensors/gate-1', 'sensors/gate-1/telemetry/more',
      'sensors//telemetry', 'leitstand/status', 'commands/gate-1/open', 'commands/gate-2/open', 'anything']
    it('is refused everything else', async () => {
      const gate = await device('gate-1')
      expect(await publishAll(gate, OTHERS, 'sensors/gate-1/telemetry')).toEqual(['sensors/gate-1/telemetry'])
      await expect(gate.publishAsync('sensors/gate-2/telemetry', TELEMETRY, { qos: 1 })).rejects.toThrow('Not authorized')
    })

    it('is refused it with MQTT 3.1.1 as well', async () => {
      const gate = await device('gate-1', { protocolVersion: 4 })
      expect(await publishAll(gate, OTHERS, 'sensors/gate-1/telemetry')).toEqual(['sensors/gate-1/telemetry'])
    })

    it('stays itself, whatever user name and client id it claims', async () => {
      const liar = await device('gate-1', { username: 'gate-2', password: 'x', clientId: 'gate-2' })
      expect(await publishAll(liar, ['sensors/gate-2/telemetry'], 'sensors/gate-1/telemetry')).toEqual(['sensors/gate-1/telemetry'])
    })

    it('cannot throw the application off by its client id', async () => {
      const application = await enter({ ...withCertificate(site, 'leitstand', 8885), clientId: 'leitstand', clean: false, properties: { sessionExpiryInterval: 60 } })
      let closed = false
      application.on('close', () => { closed = true })
      await application.subscribeAsync('sensors/#', { qos: 1 })
      const heard = new Promise(resolve => application.on('message', resolve))
      const gate = await device('gate-1', { clientId: 'leitstand', clean: false })
      await gate.publishAsync('sensors/gate-1/telemetry', TELEMETRY, { qos: 1 })
      expect(await heard).toBe('sensors/gate-1/telemetry')
      expect(closed).toBe(false)
    })

    it('hears its own commands and nothing else', async () => {
      const gate = await device('gate-1')
      const heard: string[] = []
      gate.on('message', topic => heard.push(topic))
      for (const filter of ['#', 'commands/#', 'commands/gate-2/#', 'sensors/#', 'commands/gate-1/#']) await gate.subscribeAsync(filter, { qos: 1 }).catch(() => {})
      const { client } = await watch()
      const other = await device('gate-2')
      await other.publishAsync('sensors/gate-2/telemetry', TELEMETRY, { qos: 1 })
      for (const topic of ['leitstand/status', 'commands/gate-2/open', 'commands/gate-1/open']) await client.publishAsync(topic, '{}', { qos: 1 })
      await until(() => heard.includes('commands/gate-1/open') || undefined, 'its command')
      expect(new Set(heard)).toEqual(new Set(['commands/gate-1/open']))
    })

    it('leaves no last will in the name of another', async () => {
      const { topics } = await watch()
      const will = (name: string) => ({ will: { topic: `sensors/${name}/state`, payload: Buffer.from(STATE), qos: 1 as const, retain: false } })
      // Refused at once or when it would be published, depending on the version of Mosquitto.
      const liar = await device('gate-1', will('gate-2')).catch(() => undefined)
      liar?.stream.destroy()
      const gate = await device('gate-1', will('gate-1'))
      gate.stream.destroy()
      await until(() => topics.includes('sensors/gate-1/state') || undefined, 'the will that is allowed')
      expect(topics).toEqual(['sensors/gate-1/state'])
    })
  })

  describe('a device with a password', () => {
    it('publishes as itself, and as nobody else', async () => {
      const meter = await enter({ ...withPassword(site, 'meter-1'), clientId: 'leitstand' })
      expect(await publishAll(meter, ['sensors/gate-1/telemetry', 'commands/gate-1/open', 'leitstand/status'], 'sensors/meter-1/telemetry')).toEqual(['sensors/meter-1/telemetry'])
    })

    it.each([
      ['a wrong password', () => ({ ...withPassword(site, 'meter-1'), password: 'wrong' })],
      ['no password', () => ({ ...withPassword(site, 'meter-1'), password: undefined })],
      ['the name of the application', () => ({ ...withPassword(site, 'meter-1'), username: 'leitstand' })],
      ['no name at all', () => ({ ...withPassword(site, 'meter-1'), username: undefined, password: undefined })],
      ['no name at all, without TLS', () => ({ url: `mqtt://127.0.0.1:${site.ports[1883]}` })],
      ['a wrong password, without TLS', () => ({ url: `mqtt://127.0.0.1:${site.ports[1883]}`, username: 'meter-1', password: 'wrong' })],
    ])('is refused with %s', async (_, options) => {
      await expect(enter(options())).rejects.toThrow(/Not authorized|Bad User Name/i)
    })

    it('may come once the broker has been told to read its files again, and no more when it was revoked', async () => {
      site.certificates('--device', 'meter-2', '--password')
      const credentials = withPassword(site, 'meter-2')
      await expect(enter(credentials)).rejects.toThrow('Not authorized')
      site.reload()
      await until(() => enter(credentials).then(() => true, () => undefined), 'the new password to be known')
      site.certificates('--revoke', 'meter-2')
      site.reload()
      await until(() => enter(credentials).then(() => undefined, () => true), 'the password to be forgotten')
    })

    it('is refused where certificates are asked for', async () => {
      for (const listener of [8883, 8885] as const) {
        await expect(enter({ ...withPassword(site, 'meter-1'), url: `mqtts://localhost:${site.ports[listener]}` })).rejects.toThrow()
      }
    })
  })

  describe('a certificate', () => {
    it('of another authority is refused', async () => {
      const elsewhere = makeSecrets('--device', 'gate-1')
      onTestFinished(elsewhere.remove)
      const own = { cert: readFileSync(elsewhere.secret('devices/gate-1/client.pem')), key: readFileSync(elsewhere.secret('devices/gate-1/client.key')) }
      for (const listener of [8883, 8885] as const) {
        await expect(enter({ ...withCertificate(site, 'devices/gate-1', listener), ...own })).rejects.toThrow()
      }
    })

    it('of the broker itself is none of a device', async () => {
      const broker = { cert: readFileSync(site.secret('broker/server.pem')), key: readFileSync(site.secret('broker/server.key')) }
      await expect(device('gate-1', broker)).rejects.toThrow()
    })

    it('that was revoked is refused once the broker has read the list, and all others go on', async () => {
      const lost = withCertificate(site, 'devices/gate-9')
      await (await enter(lost)).endAsync()
      site.certificates('--revoke', 'gate-9')
      await site.restart()
      await expect(enter(lost)).rejects.toThrow()
      await device('gate-1')
    })
  })

  describe('the application', () => {
    it('may publish its status and commands, and nothing else', async () => {
      const application = await enter({ ...withCertificate(site, 'leitstand', 8885), clientId: 'application' })
      const refused = ['sensors/gate-1/telemetry', 'sensors/gate-1/state', 'sensors/leitstand/telemetry', 'sensors/leitstand/state', 'leitstand', 'leitstand/other', 'anything']
      expect(await publishAll(application, [...refused, 'commands/gate-1/open'], 'leitstand/status')).toEqual(['commands/gate-1/open', 'leitstand/status'])
    })

    it('does all it needs by its certificate: a measured value is on its stream, nothing is lost while it is away', async () => {
      const env = { ...asApplication(site), NUXT_DATA_DIR: join(site.folder, 'data/leitstand') }
      const first = await startApp(env)
      expect((await first.untilBroker('connected')).broker).toMatchObject({ protocol: 'MQTT 5.0', granted: ['sensors/#'], refused: [] })
      const stream = await connectStream(first.url)
      const gate = await device('gate-1')
      await gate.publishAsync('sensors/gate-1/telemetry', TELEMETRY, { qos: 1 })
      expect((await stream.next('telemetry')).data).toMatchObject({ deviceId: 'gate-1', metrics: { tempC: 21.5 } })
      expect(await first.get('/api/rejections')).toMatchObject({ total: 0 })
      await first.stop()
      expect(await statusWord()).toBe('offline')

      await gate.publishAsync('sensors/gate-1/state', STATE, { qos: 1 })
      const second = await startApp(env)
      await until(async () => DeviceStateSchema.parse(await second.get('/api/sensors/gate-1')).state?.status === 'open' || undefined, 'what waited in the session')
      // The word comes after what waited: the broker sends that as soon as the session is there again.
      await until(async () => await statusWord() === 'online' || undefined, 'the word that it is there again')
      const examination = await fetch(`${second.url}/api/doctor/examination`, { method: 'POST' })
      expect(ExaminationSchema.parse(await examination.json())).toMatchObject({ outcome: 'looked', ownStatusSeen: true })
      await second.stop('SIGKILL')
      await until(async () => await statusWord() === 'offline' || undefined, 'the last will')
      expect(first.output() + second.output()).not.toContain(site.folder)
    })

    it('says in words that its certificate is not one of the broker’s', async () => {
      const elsewhere = makeSecrets()
      onTestFinished(elsewhere.remove)
      const app = await startApp({
        ...asApplication(site),
        NUXT_MQTT_CERT_FILE: elsewhere.secret('leitstand/client.pem'),
        NUXT_MQTT_KEY_FILE: elsewhere.secret('leitstand/client.key'),
      })
      expect((await app.untilBroker('tls-failed')).reason).toContain('NUXT_MQTT_CERT_FILE')
    })

    it('takes a password from a file, and tells it nobody', async () => {
      const file = site.secret('devices/meter-1/password')
      const password = readFileSync(file, 'utf8').trim()
      const app = await startApp({ NUXT_MQTT_URL: `mqtt://127.0.0.1:${site.ports[1883]}`, NUXT_MQTT_USERNAME: 'meter-1', NUXT_MQTT_PASSWORD_FILE: file })
      await app.untilBroker('connected')
      expect(app.output() + JSON.stringify(await app.health())).not.toContain(password)
    })
  })

  it.skipIf(!mosquittoSub)('answers the health check of deploy/compose.production.yaml, which can see nothing else', () => {
    const ask = (topic: string) => spawnSync(mosquittoSub ?? '', ['-h', '127.0.0.1', '-p', String(site.ports[1883]), '-t', topic, '-C', '1', '-W', '3'],
      { encoding: 'utf8', env: { PATH: process.env.PATH, XDG_CONFIG_HOME: site.secret('broker') } })
    expect(ask('$SYS/broker/uptime')).toMatchObject({ status: 0, stdout: expect.stringMatching(/^\d+ seconds\n$/) })
    // Retained, so that it would come at once.
    expect(ask('leitstand/status')).toMatchObject({ stdout: '' })
    expect(ask('$SYS/broker/version')).toMatchObject({ stdout: '' })
  })
})

/** The retained word on the application's presence. */
async function statusWord(): Promise<string> {
  const client = await enter({ ...withCertificate(site, 'leitstand', 8885), clientId: 'status' })
  const word = new Promise<string>(resolve => client.on('message', (_topic, payload) => resolve(String(payload))))
  await client.subscribeAsync('leitstand/status')
  const said = await word
  await client.endAsync()
  return said
}
