import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { onTestFinished } from 'vitest'
import type { History, HistoryOptions } from '../../../../server/history/contract'
import { detach } from '../../../../server/history/sqlite/device-deletion'
import { createHistory } from '../../../../server/history/sqlite/history'
import { append, createRandom, DAY, FOR_EVER, kept, NOW_MS, randomMessages, samples, START, telemetry } from '../../server/history/conformance/site'

export function tempFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'leitstand-migrate-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

export const OPTIONS: HistoryOptions = {
  durability: 'normal', unacknowledged: 100, retention: FOR_EVER, now: () => NOW_MS, stateOf: deviceId => JSON.stringify({ deviceId }), onFault: () => {}, onOpen: () => {},
}

export function openSqlite(folder: string): ReturnType<typeof createHistory> {
  const history = createHistory({ ...OPTIONS, onOpen: ({ records }) => void [...records], file: join(folder, 'history.db'), onDamaged: () => { throw new Error('damaged') } })
  history.open()
  return history
}

export const DEVICES = ['tor-0', 'tor-1', 'tor-2', 'tor-3', 'tor-4', '"quoted" über']
/** Delivered last; the broker may deliver it again. */
export const LAST_DELIVERY = { packetId: 77, topic: 'sensors/tor-1/telemetry', payload: Buffer.from('last'), redelivered: true }

/** A folder with a history of all that there can be in one: packed, late, uncompacted, documents, lines of presence, a device half forgotten. */
export async function makeHistory(messages = 3_000): Promise<string> {
  const folder = tempFolder()
  const history = openSqlite(folder)
  const all = randomMessages(createRandom(7), messages)
  for (const [i, message] of all.entries()) {
    append(history, message)
    if (i % 500 === 499) {
      await kept(history)
      history.packAll()
    }
  }
  append(history, telemetry(START + DAY, { '"x': 'a\u0000b', 'x': 1 }, '"quoted" über'))
  append(history, telemetry(START + DAY, { x: 1 }, 'gone'))
  await kept(history)
  history.packAll()
  append(history, telemetry(START + 2 * DAY, { x: 2, later: true }, 'tor-1'), LAST_DELIVERY)
  await kept(history)
  await history.documents.write([{ kind: 'registry', name: 'tor-1', body: '{"name":"Gate"}' }, { kind: 'picture', name: 'tor-1', body: Buffer.from([0, 255, 1]) }])
  for (const [i, presence] of (['live', 'late', 'live', 'offline'] as const).entries()) history.presence.note({ deviceId: 'tor-1', presence, since: new Date(START / 1_000 + i * 60_000).toISOString() })
  history.close()
  const database = new DatabaseSync(join(folder, 'history.db'))
  const { id } = database.prepare('SELECT id FROM device WHERE name = \'gone\'').get() ?? {}
  detach(database, Number(id), 1e6)
  // Given up, and not deleted yet.
  database.exec(`INSERT INTO meta (key, value) VALUES ('raw', ${START - 5}); INSERT INTO segment (device, first, last, messages, data) SELECT device, ${START - 100}, ${START - 50}, messages, data FROM segment LIMIT 1`)
  database.close()
  return folder
}

/** Deletes what is given up, as the server does after a while: in SQLite it is shown until then. */
export function sweep(folder: string) {
  const database = new DatabaseSync(join(folder, 'history.db'))
  database.exec('DELETE FROM segment WHERE max(last, received) < (SELECT value FROM meta WHERE key = \'raw\')')
  database.close()
}

/** What a history answers, of everything and everybody. */
export async function answersOf(history: History) {
  const answers: Record<string, unknown> = {}
  const whole = { unit: null, from: START - DAY, to: START + 30 * DAY }
  for (const deviceId of [...DEVICES, 'gone']) {
    for (const metric of ['x', '"x', 'rare', 'door', 'on', 'later']) {
      answers[`${deviceId} ${metric}`] = [await samples(history, metric, deviceId), await history.thinned({ deviceId, metric, ...whole }, 100), await history.thinned({ deviceId, metric, ...whole, to: START + 3 * 3_600_000_000 }, 500)]
    }
    answers[deviceId] = [await history.messagesBefore(deviceId, START + DAY, 200), await history.presence.read(deviceId, { from: 0, to: START + DAY }, 100)]
    const { messages, hours } = await history.export(deviceId, 0, START + 30 * DAY)
    answers[`${deviceId} exported`] = [messages, await Array.fromAsync(hours)]
  }
  answers.documents = [history.documents.all('registry'), Buffer.from(history.documents.bytes('picture', 'tor-1') ?? []).toString('hex')]
  return answers
}

const OF_DEVICES = `IN (SELECT 0 UNION SELECT id FROM device WHERE name IN (${DEVICES.map(name => `'${name}'`).join(', ')}))`
const OF_SERIES = `IN (SELECT id FROM series WHERE device ${OF_DEVICES})`

/** Questions of both databases that have the same answer; in SQLite there is more: what is forgotten and what is given up. */
export const SAME_ROWS = [
  ['SELECT id, name, archived, state FROM device', `WHERE id ${OF_DEVICES}`, 'id'],
  ['SELECT id, device, metric FROM series', `WHERE device ${OF_DEVICES}`, 'id'],
  ['SELECT device, time, state FROM presence', `WHERE device ${OF_DEVICES}`, 'device, time'],
  ['SELECT id, device, first, last, received, messages, data FROM segment', `WHERE device ${OF_DEVICES} AND max(last, received) >= ${START - 5}`, 'id'],
  ['SELECT last, body FROM batch', '', 'last'],
  ['SELECT last, packets FROM delivery', '', 'last'],
].map(([select = '', where = '', order = '']) => ({ here: `${select} ${where} ORDER BY ${order}`, there: `${select} ORDER BY ${order}` })).concat(
  { here: 'SELECT kind, name, CAST(body AS BLOB) FROM document ORDER BY kind, name', there: 'SELECT kind, name, body FROM document ORDER BY kind, name' },
  [['minute', 1], ['hour', 2]].map(([tier, id]) => ({
    here: `SELECT series, period, data FROM rollup WHERE tier = ${id} AND series ${OF_SERIES} ORDER BY series, period`,
    there: `SELECT series, period, data FROM ${tier} ORDER BY series, period`,
  })),
)

/** Rows as text, whatever a database calls its numbers and bytes. */
export function rowsOf(rows: readonly Record<string, unknown>[], nameOf: (name: unknown) => string = String): string[][] {
  return rows.map(row => Object.entries(row).map(([column, value]) => {
    if (value instanceof Uint8Array) return Buffer.from(value).toString('hex')
    return column === 'name' || column === 'metric' ? nameOf(value) : String(value)
  }))
}

/** Runs the tool to its end; what it said, both ways, and its exit code. */
export async function runTool(args: string[], env: Record<string, string> = {}): Promise<{ code: number | null, said: string }> {
  const tool = startTool(args, env)
  const [code] = await tool.ended
  return { code: Number(code), said: tool.said() }
}

export function startTool(args: string[], env: Record<string, string> = {}) {
  const tool = spawn(process.execPath, ['tools/migrate-history.ts', ...args], { stdio: ['ignore', 'pipe', 'pipe'], env: { PATH: process.env.PATH, ...env } })
  let said = ''
  for (const stream of [tool.stdout, tool.stderr]) stream.on('data', (chunk) => { said += String(chunk) })
  return { said: () => said, ended: once(tool, 'close'), kill: () => tool.kill('SIGKILL') }
}
