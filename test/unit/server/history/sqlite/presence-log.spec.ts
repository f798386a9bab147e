import { copyFileSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Presence } from '#shared/schemas/device'
import { MAX_PRESENCE_LINES } from '#shared/schemas/history'
import { createHistory } from '../../../../../server/history/sqlite/history'
import type { SqliteHistory } from '../../../../../server/history/sqlite/history'
import { createPresenceLog } from '../../../../../server/history/sqlite/presence-log'

const START = Date.parse('2026-01-01T00:00:00Z')
const SECOND = 1_000
const DAY = 86_400 * SECOND
const ALWAYS = { from: 0, to: (START + 1_000 * DAY) * 1_000 }

const retention = { rawDays: 0, minuteDays: 0, hourDays: 0, bytes: 1e9 }
let folder: string
let history: SqliteHistory
let nowMs: number
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'leitstand-lines-'))
  nowMs = START
  history = open()
})
afterEach(() => {
  history.close()
  rmSync(folder, { recursive: true })
})

function open(limits = retention): SqliteHistory {
  const opened = createHistory({
    file: join(folder, 'history.db'), durability: 'normal', unacknowledged: 100, retention: limits, now: () => nowMs,
    stateOf: deviceId => JSON.stringify({ deviceId }), onFault: () => {}, onDamaged: () => {},
    onOpen: ({ records }) => void [...records],
  })
  opened.open()
  return opened
}

function reopen(limits = retention) {
  history.close()
  history = open(limits)
}

let packetId = 0
function speak(deviceId = 'tor-1') {
  const at = new Date(nowMs).toISOString()
  const value = { deviceId, ts: at, receivedAt: at, metrics: { x: 1 } }
  const body = JSON.stringify(value)
  history.append({ kind: 'telemetry', value, body, delivery: { packetId: ++packetId, topic: `sensors/${deviceId}/telemetry`, payload: Buffer.from(body), redelivered: false } })
  history.commit()
}

function turn(presence: Presence, atSecond: number, deviceId = 'tor-1') {
  nowMs = START + atSecond * SECOND
  history.presence.note({ deviceId, presence, since: new Date(nowMs).toISOString() })
}

/** `live@3`: what it was from the third second on. */
function lines(deviceId = 'tor-1', range = ALWAYS): string[] {
  return history.presence.read(deviceId, range, MAX_PRESENCE_LINES).lines.map(toWord)
}

function toWord({ at, presence }: { at: string, presence: Presence }): string {
  return `${presence}@${(Date.parse(at) - START) / SECOND}`
}

function rows(): number {
  const database = new DatabaseSync(join(folder, 'history.db'), { readOnly: true })
  const count = Number(database.prepare('SELECT count(*) AS n FROM presence').get()?.n)
  database.close()
  return count
}

describe('the lines of presence', () => {
  it('are there at once, and after a start that nobody missed', () => {
    speak()
    turn('live', 1)
    turn('late', 5)
    turn('live', 6)
    expect(rows()).toBe(0)
    const expected = ['live@1', 'late@5', 'live@6']
    expect(lines()).toEqual(expected)
    nowMs = START + 10 * SECOND
    reopen()
    expect(lines()).toEqual([...expected, 'unknown@10'])
  })

  it('say the range, what held when it began, and that there are more', () => {
    speak()
    for (let second = 1; second <= 9; second++) turn(second % 2 ? 'live' : 'late', second)
    const range = { from: (START + 4 * SECOND) * 1_000, to: (START + 8 * SECOND) * 1_000 }
    const answer = history.presence.read('tor-1', range, 10)
    expect({ ...answer, before: answer.before && toWord(answer.before), lines: answer.lines.map(toWord) }).toEqual({
      deviceId: 'tor-1', from: '2026-01-01T00:00:04.000Z', to: '2026-01-01T00:00:08.000Z',
      before: 'late@4', lines: ['live@5', 'late@6', 'live@7', 'late@8'], more: false,
    })
    const newest = history.presence.read('tor-1', range, 2)
    expect([newest.before && toWord(newest.before), newest.lines.map(toWord), newest.more]).toEqual(['late@6', ['live@7', 'late@8'], true])
    expect(history.presence.read('tor-1', { from: 0, to: START * 1_000 }, 10)).toMatchObject({ before: null, lines: [], more: false })
    expect(history.presence.read('nobody', ALWAYS, 10)).toMatchObject({ before: null, lines: [], more: false })
  })

  it('are not written for what they say already', () => {
    speak()
    speak('tor-2')
    turn('live', 1)
    turn('offline', 2, 'tor-2')
    nowMs = START + 10 * SECOND
    reopen()
    const before = rows()
    // What a start makes of the devices.
    turn('unknown', 20)
    history.presence.note({ deviceId: 'tor-2', presence: 'offline', since: new Date(START + 2 * SECOND).toISOString() })
    reopen()
    // One more row says for both that nobody has listened since.
    expect(rows()).toBe(before + 1)
    expect([lines(), lines('tor-2')]).toEqual([['live@1', 'unknown@10'], ['offline@2']])
    turn('live', 30)
    turn('live', 31, 'tor-2')
    expect([lines(), lines('tor-2')]).toEqual([['live@1', 'unknown@10', 'live@30'], ['offline@2', 'live@31']])
  })

  it('end where the server was last known to be there when it is killed', () => {
    speak()
    turn('live', 5)
    reopen()
    turn('late', 500)
    // As a crash leaves it, with all that was written in time.
    const copy = join(folder, 'copy')
    mkdirSync(copy)
    for (const name of ['history.db', 'history.db-wal']) copyFileSync(join(folder, name), join(copy, name))
    history.close()
    for (const name of ['history.db', 'history.db-wal']) copyFileSync(join(copy, name), join(folder, name))
    history = open()
    expect(lines()).toEqual(['live@5', 'unknown@5'])
  })

  it('are written together within about a second, while messages are stored', async () => {
    for (let i = 0; i < 2_000; i++) speak(`tor-${i}`)
    for (let i = 0; i < 2_000; i++) turn('live', 1, `tor-${i}`)
    let storing = true
    const store = () => {
      if (!storing) return
      speak()
      setTimeout(store)
    }
    store()
    await vi.waitFor(() => expect(rows()).toBe(2_000))
    storing = false
    expect(lines('tor-1999')).toEqual(['live@1'])
  })

  it('go with the messages, but for the one that still held', async () => {
    speak()
    for (const day of [0, 5, 95]) turn(day === 5 ? 'silent' : 'live', day * 86_400)
    nowMs = START + 100 * DAY
    reopen({ ...retention, rawDays: 10 })
    await history.maintain()
    expect(lines()).toEqual(['silent@432000', 'live@8208000', 'unknown@8640000'])
  })

  it('are the newest of a device that turns and turns', async () => {
    speak()
    for (let second = 1; second <= MAX_PRESENCE_LINES + 50; second++) turn(second % 2 ? 'live' : 'late', second)
    reopen()
    await history.maintain()
    expect(rows()).toBe(MAX_PRESENCE_LINES + 1)
    expect(lines().slice(0, 1)).toEqual(['late@52'])
  })

  it('are gone with the device, what waits among them, and do not come back with its name', async () => {
    speak()
    turn('live', 1)
    reopen()
    turn('live', 2)
    await history.forget('tor-1', [], () => {})
    speak()
    expect(lines()).toEqual([])
    turn('live', 3)
    expect(lines()).toEqual(['live@3'])
    history.packAll()
    await history.maintain()
    reopen()
    // Its own, and two ends of the server.
    expect(rows()).toBe(3)
  })

  it('open a database of the third version, in which there are none', () => {
    history.close()
    copyFileSync('test/fixtures/history-v3.db', join(folder, 'history.db'))
    history = open()
    expect(history.documents.all('device')).toEqual([{ name: 'tor-1', body: '{"name":"Tor"}' }])
    turn('live', 3)
    reopen()
    expect(lines()[0]).toBe('live@3')
  })
})

it('holds so many lines while the disk fails and leaves out the oldest', async () => {
  const database = new DatabaseSync(':memory:')
  database.exec('CREATE TABLE presence (device INTEGER, time INTEGER, state TEXT, PRIMARY KEY (device, time)); CREATE TABLE meta (key TEXT PRIMARY KEY, value INTEGER)')
  let fails = true
  const transactNow = (change: () => void) => {
    if (fails) return false
    change()
    return true
  }
  const waiting = createPresenceLog({ transact: async change => transactNow(change), transactNow, now: () => START, mostWaiting: 3 })
  waiting.open(database, () => 1)
  for (let i = 0; i < 5; i++) waiting.note({ deviceId: 'tor-1', presence: i % 2 ? 'late' : 'live', since: new Date(START + i * SECOND).toISOString() })
  const words = () => waiting.read('tor-1', ALWAYS, 10).lines.map(toWord)
  const expected = ['live@2', 'late@3', 'live@4']
  expect(words()).toEqual(expected)
  waiting.flush()
  expect(database.prepare('SELECT count(*) AS n FROM presence').get()?.n).toBe(0)
  fails = false
  waiting.flush()
  expect(database.prepare('SELECT count(*) AS n FROM presence').get()?.n).toBe(3)
  expect(words()).toEqual(expected)
  waiting.close()
  database.close()
})
