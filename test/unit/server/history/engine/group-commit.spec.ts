import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { fromMicroseconds } from '#shared/time/time'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { History } from '../../../../../server/history/contract'
import { createHistory } from '../../../../../server/history/sqlite/history'

const START = Date.parse('2026-01-01T00:00:00Z') * 1_000

let folder: string
let history: History
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'leitstand-commits-'))
  history = createHistory({
    file: join(folder, 'history.db'), durability: 'full', unacknowledged: 100, stateOf: () => '{}', onFault: () => {}, onDamaged: () => {},
    retention: { rawDays: 0, minuteDays: 0, hourDays: 0, bytes: 1e9 },
    onOpen: restored => void [...restored.records],
  })
  history.open()
})
afterEach(() => {
  history.close()
  rmSync(folder, { recursive: true })
})

let packetId = 0
function append() {
  const at = fromMicroseconds(START + packetId)
  const value = { deviceId: 'tor-1', ts: at, receivedAt: at, metrics: { x: packetId } }
  const body = JSON.stringify(value)
  history.append({ kind: 'telemetry', value, body, delivery: { packetId: packetId++, topic: 'sensors/tor-1/telemetry', payload: Buffer.from(body), redelivered: false } })
}

/** A turn with one message; resolves with whether it is kept. */
function turn(): Promise<boolean> {
  append()
  return new Promise(resolve => history.commit(resolve))
}

/** Turns in the journal, as anybody else sees it. */
function committed(): number {
  const other = new DatabaseSync(join(folder, 'history.db'), { readOnly: true })
  const { turns } = other.prepare('SELECT count(*) AS turns FROM batch').get() ?? {}
  other.close()
  return Number(turns)
}

describe('what is told of the commits', () => {
  it('is how many messages are not on disk yet, and how many have been committed', async () => {
    expect(history.figures()).toMatchObject({ uncommitted: 0, uncompacted: 0, commits: 0, commitSeconds: 0, limitBytes: 1e9 })
    const first = turn()
    const others = [turn(), turn()]
    expect(history.figures()).toMatchObject({ uncommitted: 3, uncompacted: 3, commits: 0 })
    await Promise.all([first, ...others])
    expect(history.figures()).toMatchObject({ uncommitted: 0, uncompacted: 3, commits: 2 })
    expect(history.figures()?.commitSeconds).toBeGreaterThan(0)
  })

  it('counts what nobody waits for when it is committed', () => {
    append()
    expect(history.figures()).toMatchObject({ uncommitted: 1 })
    history.commit()
    expect(history.figures()).toMatchObject({ uncommitted: 0, commits: 1 })
  })

  it('is where the oldest message stands, once it was looked for', async () => {
    await turn()
    history.packAll()
    expect(history.figures()?.rawFrom).toBeUndefined()
    await history.maintain()
    expect(history.figures()).toMatchObject({ rawFrom: expect.any(Number), uncompacted: 0 })
  })

  it('is nothing while it is not open', () => {
    history.close()
    expect(history.figures()).toBeUndefined()
    history.open()
  })
})

describe('turns that end while the disk is busy', () => {
  it('share the next commit', async () => {
    const first = turn()
    expect(committed()).toBe(1)
    const others = [turn(), turn(), turn()]
    expect(committed()).toBe(1)
    expect(await first).toBe(true)
    expect(await Promise.all(others)).toEqual([true, true, true])
    expect(committed()).toBe(2)
  })

  it('are committed all the same when they are many', async () => {
    const turns = Array.from({ length: 40 }, turn)
    expect(committed()).toBeGreaterThan(1)
    expect(await Promise.all(turns)).not.toContain(false)
  })

  it('are none of them kept when one cannot be', async () => {
    const first = turn()
    const other = new DatabaseSync(join(folder, 'history.db'))
    other.exec('DROP TABLE batch')
    other.close()
    const others = [turn(), turn()]
    expect(await first).toBe(true)
    expect(await Promise.all(others)).toEqual([false, false])
    expect(history.fault()).not.toBeNull()
    expect(await new Promise(resolve => history.commit(resolve))).toBe(false)
  })

  it('are in the database when it is closed before they were told', () => {
    void turn()
    void turn()
    history.close()
    expect(committed()).toBe(2)
    history.open()
  })
})
