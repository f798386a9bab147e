import { MadeTokenSchema } from '#shared/schemas/access'
import { HealthSchema } from '#shared/schemas/health'
import type { Refusals } from '#shared/schemas/refusal'
import { AT_ONCE, startBroker } from '../support/broker.ts'
import type { BenchBroker } from '../support/broker.ts'
import { startServer } from '../support/server.ts'
import type { BenchServer } from '../support/server.ts'

/** Patience is short, so that what is slow is turned away within a phase; and whoever says so comes from elsewhere. */
const SETTINGS = { NUXT_SECURITY_TRUSTED_PROXIES: 'loopback', NUXT_LIMITS_HEADER_SECONDS: '1', NUXT_LIMITS_REQUEST_SECONDS: '2' }
const ACCOUNT = { name: 'admin', password: 'only for this bench' }

export interface Site {
  broker: BenchBroker
  server: BenchServer
  /** Of a viewer. */
  token: string
  refused: () => Promise<Refusals>
}

/** A broker, and a server with an account: strangers are strangers. */
export async function startSite(): Promise<Site> {
  const broker = await startBroker('others', [AT_ONCE])
  const server = await startServer({ place: 'measured', env: { NUXT_MQTT_URL: broker.url, ...SETTINGS } })
  await server.connected()
  const post = (path: string, body: object, cookie = '') => fetch(server.url + path, { method: 'POST', headers: { 'content-type': 'application/json', cookie }, body: JSON.stringify(body) })
  const first = await post('/api/first-account', ACCOUNT)
  const cookie = first.headers.get('set-cookie')?.split(';')[0] ?? ''
  const { token } = MadeTokenSchema.parse(await (await post('/api/tokens', { name: 'good client', role: 'viewer', days: null }, cookie)).json())
  return {
    broker,
    server,
    token,
    refused: async () => HealthSchema.parse(await (await fetch(`${server.url}/api/health`, { headers: { authorization: `Bearer ${token}` } })).json()).refused,
  }
}
