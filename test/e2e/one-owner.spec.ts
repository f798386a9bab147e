import { once } from 'node:events'
import { copyFileSync, mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parser } from 'mqtt-packet'
import type { IConnectPacket } from 'mqtt-packet'
import pg from 'pg'
import { describe, expect, it, onTestFinished } from 'vitest'
import { startPostgres } from '../../tools/programs/postgres'
import { launchApp, startApp } from './support/app'
import type { App } from './support/app'
import { connectDevice, startMosquitto } from './support/broker'
import { startCluster } from './support/cluster'
import { mosquitto, postgres } from './support/dependencies'
import { until } from './support/until'

function dataDir(): string {
  const folder = mkdtempSync(join(tmpdir(), 'leitstand-owner-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

async function connected(env: Record<string, string>): Promise<App> {
  const app = await startApp(env)
  await app.untilBroker('connected')
  return app
}

/** As the log says it. */
function nameOf(app: App): string | undefined {
  return /The name at the broker is ([^\s,]+?)(?:,|\.\s)/.exec(app.output())?.[1]
}

/** What an application asks for when it connects. */
async function firstConnect(env: Record<string, string>): Promise<IConnectPacket> {
  const server = createServer().listen(0, '127.0.0.1')
  onTestFinished(() => void server.close())
  const asked = new Promise<IConnectPacket>((resolve) => {
    server.on('connection', (socket) => {
      const read = parser()
      read.on('packet', (packet) => {
        if (packet.cmd === 'connect') resolve(packet)
      })
      socket.on('data', chunk => read.parse(chunk)).on('error', () => {})
    })
  })
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  const app = await startApp({ ...env, NUXT_MQTT_URL: `mqtt://127.0.0.1:${address.port}` })
  const packet = await asked
  await app.stop('SIGKILL')
  return packet
}

describe('the data folder', () => {
  it.each(['on', 'off'])('is for one process at a time, which goes on storing (history %s)', async (history) => {
    const env = { NUXT_DATA_DIR: dataDir(), NUXT_HISTORY: history }
    const first = await startApp(env)
    const { broker } = await first.untilBroker('connected')
    await expect(launchApp(env)).rejects.toThrow(/The data folder is in use\. Another process \(\d+ on .+\) has it; stop that one, or give this one another folder with NUXT_DATA_DIR\.\s*$/)
    const device = await connectDevice(broker.url, { protocolVersion: 4 })
    await device.publishAsync('sensors/mill/telemetry', '{"metrics":{"n":1}}', { qos: 1 })
    await until(async () => (await first.health()).messages.accepted === 1 || undefined, 'the message')
    expect(await first.health()).toMatchObject({ status: 'ok' })
    // Killed it leaves nothing that would be in the way.
    await first.stop('SIGKILL')
    const again = await startApp(env)
    await again.untilBroker('connected')
  })
})

describe.skipIf(!mosquitto)('a broker that is restarted again and again', () => {
  it.each(['SIGTERM', 'SIGKILL'] as const)('is not taken for another client with the same id (%s)', async (signal) => {
    const broker = await startMosquitto()
    const app = await startApp({ NUXT_MQTT_URL: broker.url, NUXT_MQTT_CLIENT_ID: 'alone' })
    for (let times = 0; times < 4; times++) {
      await app.untilBroker('connected')
      await broker.stop(signal)
      await until(async () => (await app.health()).broker.code !== 'connected' || undefined, 'the loss')
      // As long as a broker is away that is restarted.
      await new Promise(resolve => setTimeout(resolve, 1_500))
      await broker.start()
    }
    await app.untilBroker('connected')
    expect(app.output()).not.toContain('another client uses the name')
  })
})

describe.skipIf(!mosquitto)('two servers with one client id', () => {
  it('slow down, and say why, at a broker that only closes the connection', async () => {
    const broker = await startMosquitto()
    const env = { NUXT_MQTT_URL: broker.url, NUXT_MQTT_CLIENT_ID: 'twin', NUXT_MQTT_SESSION_EXPIRY_SECONDS: '0' }
    const folders = [dataDir(), dataDir()]
    // Each has used the name before, and so does not give way.
    for (const folder of folders) await (await connected({ ...env, NUXT_DATA_DIR: folder })).stop()
    const apps = await Promise.all(folders.map(folder => startApp({ ...env, NUXT_DATA_DIR: folder })))
    const words = 'another client uses the name twin. Give each application its own with NUXT_MQTT_CLIENT_ID.'
    const told = await until(() => apps.find(app => app.output().includes(words)), 'one of them to say it')
    // Whoever is alone comes back by itself.
    const other = apps.find(app => app !== told)
    await other?.stop()
    await told.untilBroker('connected')
  })
})

describe.skipIf(!mosquitto)('the name at the broker', () => {
  it('is another one for each installation, and stays over a restart with what waits', async () => {
    const broker = await startMosquitto()
    const folder = dataDir()
    const apps = [await connected({ NUXT_MQTT_URL: broker.url, NUXT_DATA_DIR: folder }), await connected({ NUXT_MQTT_URL: broker.url })]
    const [first, second] = apps.map(nameOf)
    expect([first, second]).toEqual([expect.stringMatching(/^leitstand-[0-9a-z]{8}$/), expect.stringMatching(/^leitstand-[0-9a-z]{8}$/)])
    expect(first).not.toBe(second)
    const device = await connectDevice(broker.url)
    await device.publishAsync('sensors/mill/telemetry', '{"metrics":{"n":1}}', { qos: 1 })
    for (const app of apps) await until(async () => (await app.health()).messages.accepted === 1 || undefined, 'the message')
    expect(apps.map(app => app.output()).join()).not.toMatch(/another client|closed the connection/i)
    await apps[0]?.stop()
    await device.publishAsync('sensors/mill/telemetry', '{"metrics":{"n":2}}', { qos: 1 })
    const again = await connected({ NUXT_MQTT_URL: broker.url, NUXT_DATA_DIR: folder })
    await until(async () => (await again.health()).messages.accepted === 1 || undefined, 'what waited')
  })

  it.each(['on', 'off'])('stays leitstand where an older version has run, and is what is set (history %s)', async (history) => {
    const folder = dataDir()
    copyFileSync('test/fixtures/history-v3.db', join(folder, 'history.db'))
    const env = { NUXT_DATA_DIR: folder, NUXT_HISTORY: history }
    expect(await firstConnect(env)).toMatchObject({ clientId: 'leitstand', properties: { sessionExpiryInterval: 86_400 } })
    expect(await firstConnect(env)).toMatchObject({ clientId: 'leitstand' })
    expect(await firstConnect({ ...env, NUXT_MQTT_CLIENT_ID: 'plant' })).toMatchObject({ clientId: 'plant', properties: { sessionExpiryInterval: 86_400 } })
  })

  it.each(['on', 'off'])('is kept before anything is, and its session is for an hour (history %s)', async (history) => {
    const env = { NUXT_DATA_DIR: dataDir(), NUXT_HISTORY: history }
    const first = await firstConnect(env)
    expect(first).toMatchObject({ clientId: expect.stringMatching(/^leitstand-[0-9a-z]{8}$/), clean: false, properties: { sessionExpiryInterval: 3_600 } })
    expect(await firstConnect(env)).toMatchObject({ clientId: first.clientId, properties: { sessionExpiryInterval: 3_600 } })
    expect(await firstConnect({ ...env, NUXT_MQTT_SESSION_EXPIRY_SECONDS: '60' })).toMatchObject({ properties: { sessionExpiryInterval: 60 } })
  })
})

describe.skipIf(!mosquitto)('a session of a name that is set', () => {
  it('is neither emptied nor ended by a folder that has never used it', async () => {
    const broker = await startMosquitto()
    const env = { NUXT_MQTT_URL: broker.url, NUXT_MQTT_CLIENT_ID: 'plant' }
    const owner = { ...env, NUXT_DATA_DIR: dataDir() }
    await (await connected(owner)).stop()
    const device = await connectDevice(broker.url)
    for (let n = 0; n < 50; n++) await device.publishAsync('sensors/mill/telemetry', `{"metrics":{"n":${n}}}`, { qos: 1 })
    const other = { ...env, NUXT_DATA_DIR: dataDir() }
    const stranger = await connected(other)
    const name = /goes on as (plant-[0-9a-z]{8})\./.exec(stranger.output())?.[1]
    expect(name).toBeDefined()
    expect((await stranger.health()).messages.received).toBe(0)
    await stranger.stop()
    // And keeps to that.
    const again = await connected(other)
    expect(again.output()).not.toContain('goes on as')
    const back = await connected(owner)
    await until(async () => (await back.health()).messages.accepted === 50 || undefined, 'what waited')
    expect((await again.health()).broker.code).toBe('connected')
    // Also while its owner is there: who comes to it leaves at once.
    const third = await connected(env)
    expect(third.output()).toContain('goes on as plant-')
    await back.untilBroker('connected')
    await device.publishAsync('sensors/mill/telemetry', '{"metrics":{"n":50}}', { qos: 1 })
    for (const [app, n] of [[back, 51], [again, 1], [third, 1]] as const) await until(async () => (await app.health()).messages.accepted === n || undefined, `${n} messages`)
  })
})

describe.skipIf(!mosquitto || !postgres)('an installation in PostgreSQL', () => {
  it('has its name there, whatever the data folder', async () => {
    const [broker, database] = [await startMosquitto(), await startPostgres()]
    onTestFinished(() => database.remove())
    const env = { NUXT_MQTT_URL: broker.url, NUXT_DATABASE_URL: database.url }
    const first = await connected(env)
    const name = nameOf(first)
    expect(name).toMatch(/^leitstand-[0-9a-z]{8}$/)
    await first.stop()
    expect(await firstConnect(env)).toMatchObject({ clientId: name, properties: { sessionExpiryInterval: 3_600 } })
    // As a version leaves it that makes no names.
    const client = new pg.Client(database.url)
    await client.connect()
    await client.query('DELETE FROM meta WHERE key LIKE \'installation:%\'')
    await client.end()
    for (let times = 0; times < 2; times++) expect(await firstConnect(env)).toMatchObject({ clientId: 'leitstand', properties: { sessionExpiryInterval: 86_400 } })
  })

  it('is one, however many replicas it has', async () => {
    const { broker, replica } = await startCluster()
    const device = await connectDevice(broker.url)
    const topics = new Set<string>()
    device.on('message', topic => void topics.add(topic))
    await device.subscribeAsync('plant/leitstand/status/#')
    const replicas = await Promise.all([replica(0, { NUXT_MQTT_ROOT: 'plant/leitstand' }), replica(0, { NUXT_MQTT_ROOT: 'plant/leitstand' })])
    for (const app of replicas) await app.untilBroker('connected')
    await until(() => topics.size === 2 || undefined, 'both to say that they are there')
    const names = [...topics].sort()
    expect(names[0]).toMatch(/^plant\/leitstand\/status\/leitstand-[0-9a-z]{8}-1$/)
    expect(names[1]).toBe(names[0]?.replace(/1$/, '2'))
    const answer = await fetch(`${replicas[0]?.url}/api/doctor/examination`, { method: 'POST' })
    expect(await answer.json()).toMatchObject({ outcome: 'looked', ownStatusSeen: true, strangers: [] })
  })
})
