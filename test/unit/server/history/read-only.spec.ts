import { cpSync, existsSync, mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, describe, onTestFinished } from 'vitest'
import { fromMicroseconds } from '#shared/time/time'
import { openDocuments } from '../../../../server/history/documents'
import { createHistory } from '../../../../server/history/sqlite/history'
import type { SqliteHistory } from '../../../../server/history/sqlite/history'
import { smallDisk } from '../../support/disk'
import type { Disk } from '../../support/disk'

const START = Date.parse('2026-01-01T00:00:00Z') * 1000

interface Open { history: SqliteHistory, devices: unknown[], faults: (string | null)[] }

function openHistory(folder: string): Open {
  const open: Open = { devices: [], faults: [], history: createHistory({
    file: join(folder, 'history.db'), durability: 'full', unacknowledged: 100, retention: { rawDays: 0, minuteDays: 0, hourDays: 0, bytes: 1e9 },
    stateOf: deviceId => JSON.stringify({ deviceId }),
    onFault: reason => open.faults.push(reason),
    onDamaged: () => expect.unreachable('nothing is damaged'),
    onOpen({ devices, records }) {
      open.devices = [...devices.map(({ deviceId }) => deviceId), ...[...records].map(({ value }) => value.deviceId)]
    },
  }) }
  open.history.open()
  onTestFinished(() => open.history.close())
  return open
}

function append({ history }: Open, x: number): Promise<boolean> {
  const ts = fromMicroseconds(START + x)
  const value = { deviceId: 'tor-1', ts, receivedAt: ts, metrics: { x } }
  const body = JSON.stringify(value)
  history.append({ kind: 'telemetry', value, body, delivery: { packetId: x, topic: 'sensors/tor-1/telemetry', payload: Buffer.from(body), redelivered: false } })
  return new Promise(kept => history.commit(kept))
}

async function samples({ history }: Open) {
  const answer = await history.raw({ deviceId: 'tor-1', metric: 'x', unit: null, from: 0, to: Number.MAX_SAFE_INTEGER }, Infinity)
  return answer.kind === 'samples' ? answer.points.map(([, value]) => value) : answer
}

/** Ten packed samples and an account, and a disk that a server has left as it should. */
async function usedDisk(): Promise<Disk | undefined> {
  const disk = smallDisk()
  if (!disk) return undefined
  const open = openHistory(disk.folder)
  for (let x = 1; x <= 10; x++) await append(open, x)
  open.history.packAll()
  await open.history.documents.write([{ kind: 'account', name: 'anna', body: '{}' }])
  open.history.close()
  expect(existsSync(join(disk.folder, 'history.db-wal'))).toBe(false)
  return disk
}

const KINDS: [string, RegExp, (disk: Disk) => () => void][] = [
  ['full', /disk .* is full/, disk => disk.fill()],
  ['read-only', /is read-only/, (disk) => {
    disk.readOnly()
    return disk.writable
  }],
  ['good, with a file that may only be read', /is read-only/, disk => disk.fileReadOnly('history.db')],
]

describe.each(KINDS)('opened on a disk that is %s', (_, reason, spoil) => {
  it('tells what is there, keeps nothing and says so, and goes on when it can be written', async ({ skip }) => {
    const disk = await usedDisk()
    if (!disk) return skip('no small disk can be made here')
    const mend = spoil(disk)
    const open = openHistory(disk.folder)
    expect(open.history.fault()).toMatch(reason)
    expect(open.history.isOpen()).toBe(true)
    expect(open.devices).toEqual(['tor-1'])
    expect(await samples(open)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10])
    expect((await open.history.storage()).messages).toBe(10)
    expect(open.history.presence.read('tor-1', { from: 0, to: START }, 10)).toMatchObject({ lines: [] })
    expect(open.history.documents.all('account')).toHaveLength(1)
    await expect(open.history.documents.write([{ kind: 'account', name: 'eve', body: '{}' }])).rejects.toThrow(reason)
    expect(open.history.probe()).toBe(false)
    expect(await samples(open)).toHaveLength(10)
    expect(open.faults).toHaveLength(1)

    mend()
    expect(open.history.probe()).toBe(true)
    expect(open.history.fault()).toBeNull()
    expect(await append(open, 11)).toBe(true)
    expect(await samples(open)).toHaveLength(11)
    await open.history.documents.write([{ kind: 'account', name: 'vera', body: '{}' }])
  })

  it('the documents alone as well', async ({ skip }) => {
    const disk = await usedDisk()
    if (!disk) return skip('no small disk can be made here')
    const mend = spoil(disk)
    const documents = openDocuments(join(disk.folder, 'history.db'), () => {})
    onTestFinished(documents.close)
    expect(documents.all('account')).toHaveLength(1)
    await expect(documents.write([{ kind: 'account', name: 'eve', body: '{}' }])).rejects.toThrow()
    mend()
    await documents.write([{ kind: 'account', name: 'vera', body: '{}' }])
    expect(documents.all('account')).toHaveLength(2)
  })
})

it('says that what lies in the write-ahead log alone may be missing, and has it when the disk can be written', async ({ skip }) => {
  const disk = await usedDisk()
  if (!disk) return skip('no small disk can be made here')
  const elsewhere = mkdtempSync(join(tmpdir(), 'leitstand-log-'))
  onTestFinished(() => rmSync(elsewhere, { recursive: true }))
  const first = openHistory(disk.folder)
  await append(first, 11)
  for (const suffix of ['', '-wal']) cpSync(join(disk.folder, `history.db${suffix}`), join(elsewhere, `history.db${suffix}`))
  first.history.close()
  // As after a power cut: the log is there, and nothing says what is in it.
  cpSync(elsewhere, disk.folder, { recursive: true })
  expect(statSync(join(disk.folder, 'history.db-wal')).size).toBeGreaterThan(0)
  disk.readOnly()
  const open = openHistory(disk.folder)
  expect(open.history.fault()).toContain('may be missing')
  expect(await samples(open)).toHaveLength(10)
  disk.writable()
  expect(open.history.probe()).toBe(true)
  expect(await samples(open)).toHaveLength(11)
})
