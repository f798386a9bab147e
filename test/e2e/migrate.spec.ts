import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import pg from 'pg'
import { describe, expect, it, onTestFinished } from 'vitest'
import { DeviceStatesSchema } from '#shared/schemas/device'
import { HealthSchema } from '#shared/schemas/health'
import type { Health } from '#shared/schemas/health'
import { HistoryAnswerSchema } from '#shared/schemas/history'
import { openConnections } from '../../server/history/postgres/open-connections'
import { startPostgres } from '../../tools/programs/postgres'
import { startApp } from './support/app'
import type { App } from './support/app'
import { connectDevice, startMosquitto } from './support/broker'
import { mosquitto, postgres } from './support/dependencies'
import { until } from './support/until'

const PASSWORD = 'correct horse battery'
const DEVICES = ['gate', 'mill', 'well', 'über 1', 'quay', 'barn', 'mast', 'dam']
const MESSAGES = 1_500
const METRICS = ['tempC', 'open', 'mode']
const STEP_MS = 72_000
/** A row amid the segments, of which there are hundreds. */
const HELD_ROW = 100

function tempFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'leitstand-migrate-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** 36,000 samples of thirty hours, in the order of time but for some that come late. */
async function publishAll(url: string, first: number) {
  const device = await connectDevice(url)
  const taken: Promise<unknown>[] = []
  for (let n = 0; n < MESSAGES; n++) {
    const at = n % 50 === 49 ? n - 20 : n
    const ts = new Date(first + at * STEP_MS + n % 7).toISOString()
    for (const [i, name] of DEVICES.entries()) {
      const metrics = { tempC: Math.round(1e3 * Math.sin(n / 40 + i)) / 100, open: n % 90 < 3 * i, mode: n % 400 < 200 ? 'eco' : 'full' }
      taken.push(device.publishAsync(`sensors/${name}/telemetry`, JSON.stringify({ ts, metrics }), { qos: 1 }))
    }
  }
  await Promise.all(taken)
}

type Ask = (path: string, init?: RequestInit) => Promise<Response>

/** As somebody who has signed in. */
function askerOf(app: App, cookie: string): Ask {
  return (path, init = {}) => fetch(app.url + path, { ...init, headers: { cookie, ...init.headers } })
}

/** Until its health has this broker code; nobody else than somebody signed in is told. */
function untilBroker(app: App, cookie: string, code: Health['broker']['code']): Promise<Health> {
  return until(async () => {
    const { success, data } = HealthSchema.safeParse(await (await askerOf(app, cookie)('/api/health')).json())
    return success && data.broker.code === code ? data : undefined
  }, `the broker code ${code}`)
}

/** An account, what people say about a device, and a device that is forgotten. */
async function settle(app: App): Promise<string> {
  const made = await fetch(`${app.url}/api/first-account`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ name: 'admin', password: PASSWORD }) })
  expect(made.status).toBe(200)
  const cookie = made.headers.get('set-cookie')?.split(';')[0] ?? ''
  const ask = askerOf(app, cookie)
  const json = { 'content-type': 'application/json', 'origin': app.url }
  expect((await ask('/api/devices/gate', { method: 'PUT', headers: json, body: '{"name":"North gate","group":"North"}' })).status).toBe(200)
  expect((await ask('/api/devices/dam', { method: 'DELETE', headers: json })).status).toBe(200)
  return cookie
}

/** The same of each server: what it says of everything that is over. */
async function answersOf(app: App, cookie: string, { first, end }: { first: number, end: number }) {
  const ask = askerOf(app, cookie)
  const answers: Record<string, [status: number, body: unknown]> = {}
  async function note(path: string) {
    const answer = await ask(path)
    answers[path] = [answer.status, await answer.text()]
  }
  await until(async () => DeviceStatesSchema.parse(await (await ask('/api/sensors')).json()).length === DEVICES.length - 1 || undefined, 'the devices')
  // Presence begins anew with each start.
  answers.snapshot = [200, DeviceStatesSchema.parse(await (await ask('/api/sensors')).json()).map(({ presenceSince, ...state }) => [typeof presenceSince, state])]
  for (const device of DEVICES.map(encodeURIComponent)) {
    const whole = `from=${first}&to=${end}`
    for (const metric of METRICS) {
      await note(`/api/sensors/${device}/history?metric=${metric}&resolution=raw&limit=100000&${whole}`)
      await note(`/api/sensors/${device}/history?metric=${metric}&points=40&${whole}`)
      await note(`/api/sensors/${device}/history?metric=${metric}&points=300&from=${first + 3e6}&to=${first + 2e7}`)
    }
    await note(`/api/sensors/${device}/messages?before=${new Date(first + 5e7).toISOString()}&limit=200`)
    await note(`/api/sensors/${device}/presence?${whole}`)
    await note(`/api/sensors/${device}/export?${whole}`)
  }
  await note(`/api/sensors?at=${new Date(first + 4e7).toISOString()}`)
  for (const path of ['/api/devices', '/api/devices/gate', '/api/groups', '/api/registry', '/api/session', '/api/audit']) await note(path)
  return answers
}

function runTool(args: string[]) {
  const tool = spawn(process.execPath, ['tools/migrate-history.ts', ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
  let said = ''
  for (const stream of [tool.stdout, tool.stderr]) stream.on('data', (chunk) => { said += String(chunk) })
  return { ended: once(tool, 'close').then(([code]) => ({ code: Number(code), said })), kill: () => tool.kill('SIGKILL') }
}

describe.skipIf(!mosquitto || !postgres)('moving to PostgreSQL', () => {
  it('changes no answer, though it was killed in the middle', async () => {
    const broker = await startMosquitto(['allow_anonymous true', 'max_inflight_messages 1000'])
    const database = await startPostgres({ fsync: 'off' })
    onTestFinished(() => database.remove())
    const data = tempFolder()
    const env = { NUXT_MQTT_URL: broker.url, NUXT_DATA_DIR: data, NUXT_FORGET_UNDO_SECONDS: '0' }
    const first = Date.now() - MESSAGES * STEP_MS
    let app = await startApp(env)
    await app.untilBroker('connected')
    await publishAll(broker.url, first)
    await until(async () => (await app.health()).messages.accepted === DEVICES.length * MESSAGES || undefined, 'all messages')
    const cookie = await settle(app)
    const file = new DatabaseSync(join(data, 'history.db'), { readOnly: true })
    await until(() => Number(file.prepare('SELECT count(*) AS n FROM segment').get()?.n) > 2 * HELD_ROW || undefined, 'hundreds of segments')
    file.close()
    const range = { first, end: Date.now() }
    await app.stop()
    // Started anew, as it will be after the move: nothing is live in either.
    app = await startApp(env)
    await untilBroker(app, cookie, 'connected')
    const before = await answersOf(app, cookie, range)
    // Answers of which none says anything would be the same, too.
    const [status, raw] = before[`/api/sensors/mill/history?metric=tempC&resolution=raw&limit=100000&from=${range.first}&to=${range.end}`] ?? []
    expect(status).toBe(200)
    expect(HistoryAnswerSchema.parse(JSON.parse(String(raw))).points).toHaveLength(MESSAGES)
    expect(Object.values(before).filter(([status]) => status === 404)).toHaveLength(3 * METRICS.length + 3)
    const refused = await runTool(['--from', data, '--to', database.url]).ended
    expect(refused).toEqual({ code: 1, said: expect.stringMatching(/ is in use by another process .*: stop the server first\./) })
    await app.stop()

    await killAmidSegments(database.url, data)
    const secret = { ...env, NUXT_DATABASE_URL: database.url }
    for (const cluster of ['false', 'true']) {
      app = await startApp({ ...secret, NUXT_CLUSTER: cluster })
      // Whether there are accounts in it is not known yet, so nobody enters: the log has the reason.
      const { output } = app
      await until(() => output().includes('holds half of a history: npm run migrate-history was interrupted') || undefined, 'the reason in the log')
      expect((await askerOf(app, cookie)('/api/sensors')).status).toBe(503)
      await app.stop()
    }
    const done = await runTool(['--from', data, '--to', database.url]).ended
    expect(done).toEqual({ code: 0, said: expect.stringMatching(/^Going on where it was interrupted\.\nmoved [1-9][^]*both sides are the same/) })

    app = await startApp(secret)
    await untilBroker(app, cookie, 'connected')
    expect(await answersOf(app, cookie, range)).toEqual(before)
    const login = await fetch(`${app.url}/api/session`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ name: 'admin', password: PASSWORD }) })
    expect(login.status).toBe(200)
    expect((await runTool(['--from', data, '--to', database.url]).ended).code).toBe(1)
    await app.stop()
    expect(await runTool(['--from', data, '--to', database.url]).ended).toEqual({ code: 0, said: expect.stringContaining('nothing left to do') })
  }, 180_000)

  /** Runs the tool until it waits for a lock at one row, and kills it there. */
  async function killAmidSegments(url: string, data: string) {
    await (await openConnections(url, 'normal', true, () => {})).close()
    const client = new pg.Client(url)
    await client.connect()
    await client.query(`CREATE SEQUENCE seen;
      CREATE FUNCTION hold() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF nextval('seen') = ${HELD_ROW} THEN PERFORM pg_advisory_xact_lock(4711); END IF; RETURN NEW; END $$;
      CREATE TRIGGER hold BEFORE INSERT ON segment FOR EACH ROW EXECUTE FUNCTION hold();
      SELECT pg_advisory_lock(4711)`)
    const tool = runTool(['--from', data, '--to', url, '--rows', '20'])
    await until(async () => (await client.query('SELECT 1 FROM pg_locks WHERE locktype = \'advisory\' AND NOT granted AND objid = 4711')).rowCount === 1 || undefined, 'the tool to wait')
    tool.kill()
    await tool.ended
    await client.query('SELECT pg_advisory_unlock(4711)')
    const { rows } = await client.query<{ n: string }>('SELECT count(*) AS n FROM segment')
    expect(Number(rows[0]?.n)).toBeGreaterThan(0)
    expect(Number(rows[0]?.n)).toBeLessThan(HELD_ROW)
    await client.end()
  }
})
