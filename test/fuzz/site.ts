// Owns what is spoken to: the built server at a real broker, with an account, and a good client that must never miss anything.
import { mkdtempSync, rmSync } from 'node:fs'
import { Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import mqtt from 'mqtt'
import type { IClientPublishOptions } from 'mqtt'
import WebSocket from 'ws'
import { MadeTokenSchema } from '#shared/schemas/access'
import { AT_ONCE, startBroker } from '../../bench/support/broker'
import { launchApp } from '../e2e/support/launch'
import type { App } from '../e2e/support/launch'
import { until } from '../e2e/support/until'
import { HELD } from './memory'

/** Small limits: they are reached, and memory comes to rest. */
const SETTINGS = {
  NUXT_MQTT_CLIENT_ID: `leitstand-${process.pid}`,
  NUXT_SECURITY_TRUSTED_PROXIES: 'loopback',
  NUXT_LIMITS_DEVICES: '300',
  NUXT_LIMITS_TOPICS: '500',
  NUXT_LIMITS_ACCOUNTS: '8',
  NUXT_LIMITS_AUDIT_ENTRIES: '500',
  NUXT_LIMITS_FLEET_BYTES: '8000000',
  NUXT_LIMITS_REGISTRY_BYTES: '1000000',
  NUXT_LIMITS_PICTURES_BYTES: '1000000',
  NUXT_LIMITS_STREAM_LOG_BYTES: '1000000',
  NUXT_LIMITS_RECENT_BYTES: '1000000',
  NUXT_LIMITS_FORGOTTEN_DEVICES: '100',
  NUXT_LIMITS_HEADER_SECONDS: '2',
  NUXT_LIMITS_REQUEST_SECONDS: '4',
  NUXT_HISTORY_MEGABYTES: '50',
  NUXT_FORGET_UNDO_SECONDS: '1',
  NUXT_HISTORY_DURABILITY: 'normal',
}
const PASSWORD = 'only for fuzzing here'
const JSON_HEADERS = { 'content-type': 'application/json' }
const PATIENCE_MS = 20_000

export type Site = Awaited<ReturnType<typeof startSite>>

export async function startSite() {
  const folder = mkdtempSync(join(tmpdir(), 'leitstand-fuzz-'))
  const broker = await startBroker(undefined, [AT_ONCE])
  const device = await mqtt.connectAsync(broker.url, { protocolVersion: broker.protocol, clientId: 'good' })
  let publisher = await connectPublisher()
  let app = await launch()
  const session = await signUp()
  let cookie = session
  const token = await makeToken()
  let stream = await openStream()
  let addresses = 0

  /** What a broker refuses it may refuse with the connection: then there is nothing to be sent again. */
  async function connectPublisher() {
    const client = await mqtt.connectAsync(broker.url, { protocolVersion: broker.protocol, clientId: 'fuzz', reconnectPeriod: 0 })
    // An answer of QoS 2 would wait for the acknowledgement of what went before.
    if (client.stream instanceof Socket) client.stream.setNoDelay(true)
    return client
  }

  async function launch(): Promise<App> {
    const started = await launchApp({ ...SETTINGS, NODE_OPTIONS: `--import ${HELD}`, NUXT_MQTT_URL: broker.url, NUXT_DATA_DIR: folder })
    await started.untilBroker('connected').catch(() => undefined)
    return started
  }

  async function signUp(): Promise<string> {
    const answer = await fetch(`${app.url}/api/first-account`, { method: 'POST', headers: JSON_HEADERS, body: JSON.stringify({ name: 'fuzz', password: PASSWORD }) })
    return cookieOf(answer)
  }

  async function makeToken(): Promise<string> {
    const answer = await fetch(`${app.url}/api/tokens`, { method: 'POST', headers: { ...JSON_HEADERS, cookie }, body: JSON.stringify({ name: 'good client', role: 'viewer', days: null }) })
    return MadeTokenSchema.parse(await answer.json()).token
  }

  /** The good client: what of the good device has come last. */
  async function openStream() {
    const socket = new WebSocket(`${app.url.replace('http', 'ws')}/ws/events`, { headers: { authorization: `Bearer ${token}` } })
    const seen = { last: -1, onSeen: () => {}, fault: '' }
    socket.on('message', (data) => {
      const [, number] = /"deviceId":"good".*"n":(\d+)/.exec(String(data).slice(0, 400)) ?? []
      if (number === undefined) return
      seen.last = Number(number)
      seen.onSeen()
    })
    socket.on('close', code => void (seen.fault = `The good client was closed with ${code}.`))
    socket.on('error', () => {})
    await until(() => socket.readyState === WebSocket.OPEN || seen.fault !== '', 'the good client to be let in')
    return { seen, close: () => socket.terminate() }
  }

  let sent = 0
  /** A good message reaches the good client; else what is wrong. */
  async function good(): Promise<string[]> {
    const n = sent++
    const { seen } = stream
    const arrived = new Promise<boolean>((resolve) => {
      const timer = setTimeout(() => resolve(false), PATIENCE_MS)
      seen.onSeen = () => {
        if (seen.last < n) return
        clearTimeout(timer)
        resolve(true)
      }
    })
    await device.publishAsync('sensors/good/telemetry', `{"metrics":{"n":${n}}}`, { qos: 1 })
    return await arrived ? [] : [seen.fault || 'The good client did not get a good message.']
  }

  return {
    /** Whether the broker has taken it. */
    async publish(topic: string, payload: Buffer, options: IClientPublishOptions): Promise<boolean> {
      // After QoS 0 it is only now seen that the one before was too much.
      if (!publisher.connected) {
        await publisher.endAsync(true)
        publisher = await connectPublisher()
      }
      const client = publisher
      let over = () => {}
      const closed = new Promise<false>((resolve) => {
        const onClose = () => resolve(false)
        client.once('close', onClose)
        over = () => client.off('close', onClose)
      })
      const isTaken = await Promise.race([closed, client.publishAsync(topic, payload, options).then(() => true, () => false)])
      over()
      return isTaken
    },
    good,
    app: () => app,
    cookie: () => cookie,
    /** Signs in anew, each time from another address. */
    async renew() {
      const address = `198.51.100.${addresses++ % 250}`
      const answer = await fetch(`${app.url}/api/session`, { method: 'POST', headers: { ...JSON_HEADERS, 'x-forwarded-for': address }, body: JSON.stringify({ name: 'fuzz', password: PASSWORD }) })
      if (answer.ok) cookie = cookieOf(answer)
    },
    isAlive: () => app.process.exitCode === null && app.process.signalCode === null,
    /** Starts the server again, with what it had kept. */
    async revive() {
      stream.close()
      if (app.process.exitCode === null && app.process.signalCode === null) await app.stop('SIGKILL')
      app = await launch()
      stream = await openStream()
    },
    async stop() {
      stream.close()
      for (const client of [device, publisher]) await client.endAsync(true)
      const code = await app.stop()
      await broker.stop()
      rmSync(folder, { recursive: true, force: true })
      return code
    },
  }
}

function cookieOf(answer: Response): string {
  return answer.headers.get('set-cookie')?.split(';')[0] ?? ''
}
