import { onTestFinished } from 'vitest'
import { HistoryAnswerSchema } from '#shared/schemas/history'
import { startPostgres } from '../../../tools/programs/postgres'
import { startApp } from './app'
import type { App } from './app'
import { startMosquitto } from './broker'

/** A broker and a database, and a way to start replicas beside them. */
export async function startCluster() {
  const broker = await startMosquitto(['allow_anonymous true', 'max_inflight_messages 1000', 'set_tcp_nodelay true'])
  const database = await startPostgres()
  onTestFinished(() => database.remove())
  const env = { NUXT_MQTT_URL: broker.url, NUXT_DATABASE_URL: database.url, NUXT_CLUSTER: 'true', NUXT_ACCOUNTS_OPEN: 'true' }
  return { broker, database, replica: (port = 0, more: Record<string, string> = {}) => startApp({ ...env, ...more }, port) }
}

const begin = Date.now() - 3_600_000
/** What the device `gate` says as its `n`th. */
export const message = (n: number) => `{"ts":"${new Date(begin + n).toISOString()}","metrics":{"n":${n}}}`

/** Every sample of a metric of the device `gate`, oldest first. */
export async function storedNumbers(app: App, metric = 'n'): Promise<unknown[]> {
  const answer = HistoryAnswerSchema.parse(await app.get(`/api/sensors/gate/history?metric=${metric}&resolution=raw&limit=100000&from=0`))
  if (answer.kind !== 'samples') throw new Error('not raw')
  return answer.points.map(([, value]) => value)
}
