// Started on a disk that takes nothing: what is there can be read, whoever has an account signs in, and only writing waits.
import { describe, expect, it } from 'vitest'
import { DeviceStatesSchema } from '#shared/schemas/device'
import { HistoryAnswerSchema } from '#shared/schemas/history'
import { smallDisk } from '../unit/support/disk'
import type { Disk } from '../unit/support/disk'
import { startApp } from './support/app'
import type { App } from './support/app'
import { connectDevice, startMosquitto } from './support/broker'
import { mosquitto } from './support/dependencies'
import { until } from './support/until'

const ACCOUNT = { name: 'anna', password: 'correct horse battery' }

function send(app: App, path: string, body: object) {
  return fetch(app.url + path, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) })
}

async function signIn(app: App): Promise<{ cookie: string }> {
  const answer = await send(app, '/api/session', ACCOUNT)
  expect(answer.status).toBe(200)
  return { cookie: answer.headers.get('set-cookie')?.split(';')[0] ?? '' }
}

async function numbers(app: App, headers: { cookie: string }) {
  const answer = await fetch(`${app.url}/api/sensors/gate/history?metric=n&resolution=raw&limit=1000&from=0`, { headers })
  const history = HistoryAnswerSchema.parse(await answer.json())
  return history.kind === 'samples' ? history.points.map(([, value]) => value) : []
}

const KINDS: [string, RegExp, (disk: Disk) => () => void][] = [
  ['full', /full/, disk => disk.fill()],
  ['read-only', /read-only/, (disk) => {
    disk.readOnly()
    return disk.writable
  }],
]

describe.skipIf(!mosquitto).each(KINDS)('a start on a disk that is %s', (_, reason, spoil) => {
  it('shows what is there, lets people in, and stores again when it can', async ({ skip }) => {
    const disk = smallDisk()
    if (!disk) return skip('no small disk can be made here')
    const broker = await startMosquitto()
    const env = { NUXT_MQTT_URL: broker.url, NUXT_DATA_DIR: disk.folder, NUXT_ACCOUNTS_OPEN: 'true' }
    const first = await startApp(env)
    await first.untilBroker('connected')
    const code = /with the code ([A-Z0-9-]+)/.exec(first.output())?.[1]
    expect((await send(first, '/api/first-account', { ...ACCOUNT, code })).status).toBe(200)
    const device = await connectDevice(broker.url)
    for (let n = 0; n < 5; n++) await device.publishAsync('sensors/gate/telemetry', JSON.stringify({ metrics: { n } }), { qos: 1 })
    const owner = await signIn(first)
    await until(async () => (await numbers(first, owner)).length === 5 || undefined, 'five samples')
    await first.stop()

    const mend = spoil(disk)
    const app = await startApp(env)
    expect((await fetch(`${app.url}/api/sensors`)).status).toBe(401)
    const headers = await signIn(app)
    const devices = DeviceStatesSchema.parse(await (await fetch(`${app.url}/api/sensors`, { headers })).json())
    expect(devices).toMatchObject([{ deviceId: 'gate', lastTelemetry: { metrics: { n: 4 } } }])
    expect(await numbers(app, headers)).toEqual([0, 1, 2, 3, 4])
    // Signed in before, and from before the start.
    expect((await fetch(`${app.url}/api/sensors`, { headers: owner })).status).toBe(200)
    const health = await until(async () => {
      const now = await (await fetch(`${app.url}/api/health`, { headers })).json()
      return now.broker.code === 'store-failed' ? now : undefined
    }, 'the fault')
    expect(health.reason).toMatch(reason)
    expect(app.output()).toMatch(reason)
    await device.publishAsync('sensors/gate/telemetry', '{"metrics":{"n":5}}', { qos: 1 })

    mend()
    await until(async () => (await numbers(app, headers)).length === 6 || undefined, 'the sample that waited')
    expect((await fetch(`${app.url}/api/sensors`, { headers })).status).toBe(200)
  })
})
