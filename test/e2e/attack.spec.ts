import { MadeTokenSchema } from '#shared/schemas/access'
import { HealthSchema } from '#shared/schemas/health'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { startAssault } from '../../bench/attack/attacker'
import { ATTACKS } from '../../bench/attack/attacks'
import { launchApp } from './support/app'
import type { App } from './support/app'
import { connectDevice } from './support/broker'
import { connectStream } from './support/stream'
import { until } from './support/until'

const JSON_HEADERS = { 'content-type': 'application/json' }
/** How often each attack is made, while good messages come. */
const MOST = 120
/** Patience is short, so that what is slow is turned away soon; and whoever says so comes from elsewhere. */
const SETTINGS = { NUXT_SECURITY_TRUSTED_PROXIES: 'loopback', NUXT_LIMITS_HEADER_SECONDS: '1', NUXT_LIMITS_REQUEST_SECONDS: '2' }

let app: App
let brokerUrl: string
let token: string
beforeAll(async () => {
  app = await launchApp(SETTINGS)
  brokerUrl = (await app.untilBroker('connected')).broker.url
  const first = await fetch(`${app.url}/api/first-account`, { method: 'POST', headers: JSON_HEADERS, body: JSON.stringify({ name: 'admin', password: 'correct horse battery' }) })
  const cookie = first.headers.get('set-cookie')?.split(';')[0] ?? ''
  const made = await fetch(`${app.url}/api/tokens`, { method: 'POST', headers: { ...JSON_HEADERS, cookie }, body: JSON.stringify({ name: 'good client', role: 'viewer', days: null }) })
  token = MadeTokenSchema.parse(await made.json()).token
})
afterAll(() => app.stop())

async function refused() {
  const answer = await fetch(`${app.url}/api/health`, { headers: { authorization: `Bearer ${token}` } })
  return HealthSchema.parse(await answer.json()).refused
}

/** A device that sends 0, 1, 2 … until it is stopped; how many it has sent. */
async function publishNumbers(deviceId: string) {
  const device = await connectDevice(brokerUrl, { protocolVersion: 4 })
  const pending: Promise<unknown>[] = []
  const timer = setInterval(() => pending.push(device.publishAsync(`sensors/${deviceId}/telemetry`, `{"metrics":{"n":${pending.length}}}`, { qos: 1 })), 5)
  onTestFinished(() => clearInterval(timer))
  return async () => {
    clearInterval(timer)
    await Promise.all(pending)
    return pending.length
  }
}

describe('while the server is attacked', () => {
  it.each(Object.entries(ATTACKS))('by %s, each is refused and counted, and a good client gets every message', async (name, attack) => {
    const deviceId = `good-${Object.keys(ATTACKS).indexOf(name)}`
    const good = await connectStream(app.url, `/ws/events?device=${deviceId}`, { authorization: `Bearer ${token}` })
    await good.next('snapshot')
    const before = (await refused())[attack.reason] ?? 0
    const stop = await publishNumbers(deviceId)
    const assault = startAssault(app.port, attack, token, MOST)
    await until(() => Object.values(assault.answers()).reduce((sum, times) => sum + times, 0) === MOST, 'the end of the attack')
    const sent = await stop()

    const { 401: looked = 0, ...answers } = assault.answers()
    expect(Object.keys(answers).filter(status => status.startsWith('2'))).toEqual([])
    // Some guesses are looked at, and are wrong.
    await until(async () => ((await refused())[attack.reason] ?? 0) - before === MOST - looked, `all to be counted as ${attack.reason}`)
    await good.next('telemetry', ({ data }) => data.metrics.n === sent - 1)
    const numbers = good.events.flatMap(event => event.type === 'telemetry' ? [event.data.metrics.n] : [])
    expect(numbers).toEqual(Array.from({ length: sent }, (_, n) => n))
  })

  it('the log has one line for each reason, and no fault', async () => {
    const lines = app.output().match(/Refused \(([\w-]+)\)/g) ?? []
    expect(new Set(lines).size).toBe(lines.length)
    expect(new Set(Object.values(ATTACKS).map(({ reason }) => reason)).size).toBe(lines.length)
    expect(app.output()).not.toMatch(/unhandled|uncaught|failed:/i)
  })
})
