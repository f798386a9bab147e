import { hash } from 'node:crypto'
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { describe, expect, it } from 'vitest'
import { lockFolder } from '../../../../server/leitstand/folder-lock'
import { decodeHeader, encodeHeader, HEADER_BYTES } from '../../../../tools/backup/format'
import type { BackupHeader } from '../../../../tools/backup/format'
import { makeBackup } from '../../../../tools/backup/make'
import { restoreBackup } from '../../../../tools/backup/put-back'
import { contentOf, openHistory, SILENT } from './support'

const NOW = new Date('2026-02-03T04:05:06.789Z')
const ASIDE = 'history.db.before-restore-2026-02-03T04-05-06-789Z'

/** A backup of 50 devices, and the history that has 51 by now. */
async function backedUp() {
  const opened = openHistory(50)
  await makeBackup({ ...opened, force: false }, SILENT)
  opened.database.exec('INSERT INTO device (name) VALUES (\'later\')')
  return { ...opened, bytes: readFileSync(opened.file) }
}

function devicesIn(file: string): number {
  const database = new DatabaseSync(file, { readOnly: true })
  const row = database.prepare('SELECT count(*) AS n FROM device').get()
  database.close()
  return Number(row?.n)
}

/** The backup with another header, itself in order. */
function withHeader(bytes: Buffer, change: Partial<BackupHeader>): Buffer {
  const header = { ...decodeHeader(bytes.subarray(0, HEADER_BYTES)), ...change }
  return Buffer.concat([encodeHeader(header), bytes.subarray(HEADER_BYTES)])
}

function flipped(bytes: Buffer, at: number): Buffer {
  const altered = Buffer.from(bytes)
  altered.writeUInt8(altered.readUInt8(at) ^ 1, at)
  return altered
}

describe('a restore refuses and touches nothing when the backup', () => {
  it.each<[string, (bytes: Buffer) => Buffer, RegExp]>([
    ['is empty', () => Buffer.alloc(0), /^This is not a backup of Leitstand\.$/],
    ['is something else', () => Buffer.from('SQLite format 3\0'.padEnd(1_000)), /^This is not a backup of Leitstand\.$/],
    ['is cut inside the magic word', bytes => bytes.subarray(0, 9), /^This is not a backup of Leitstand\.$/],
    ['is cut inside the header', bytes => bytes.subarray(0, 100), /^The backup is cut short: not even its header is complete\.$/],
    ['is cut one byte before the end of the header', bytes => bytes.subarray(0, HEADER_BYTES - 1), /not even its header is complete\.$/],
    ['is cut after the header', bytes => bytes.subarray(0, HEADER_BYTES), /^The backup is cut short: 0 of \d+ bytes are there\.$/],
    ['is cut one byte after the header', bytes => bytes.subarray(0, HEADER_BYTES + 1), /^The backup is cut short: 1 of \d+ bytes are there\.$/],
    ['is cut between two pages', bytes => bytes.subarray(0, HEADER_BYTES + 8 * 4_096), /^The backup is cut short: 32768 of/],
    ['lacks its last byte', bytes => bytes.subarray(0, -1), /^The backup is cut short/],
    ['lacks its first byte', bytes => bytes.subarray(1), /^This is not a backup/],
    ['has one byte too many', bytes => Buffer.concat([bytes, Buffer.alloc(1)]), /^The backup is damaged: it is 1 bytes longer/],
    ['was never finished', bytes => Buffer.concat([Buffer.alloc(HEADER_BYTES), bytes.subarray(HEADER_BYTES)]), /^This is not a backup/],
    ['is altered in the header', bytes => flipped(bytes, 40), /^The backup is damaged: its header has been altered\.$/],
    ['is altered in the padding of the header', bytes => flipped(bytes, 400), /its header has been altered\.$/],
    ['is altered in the first byte of the content', bytes => flipped(bytes, HEADER_BYTES), /^The backup is damaged: its content has been altered\.$/],
    ['is altered in the middle', bytes => flipped(bytes, bytes.length >> 1), /its content has been altered\.$/],
    ['is altered in the last byte', bytes => flipped(bytes, bytes.length - 1), /its content has been altered\.$/],
    ['is of a newer schema', bytes => withHeader(bytes, { schema: 1_000 }), /^The backup was made by a newer version of the application \(schema 1000, this one knows \d+\)\.$/],
    ['belongs to another content', bytes => withHeader(bytes, { sha256: hash('sha256', 'other') }), /its content has been altered\.$/],
  ])('%s', async (_, spoil, sentence) => {
    const { data, database, file, bytes } = await backedUp()
    database.close()
    writeFileSync(file, spoil(bytes))
    const before = contentOf(data)
    await expect(restoreBackup({ file, data, force: true }, SILENT)).rejects.toThrow(sentence)
    expect(contentOf(data)).toEqual(before)
  })
})

describe('a restore', () => {
  it('refuses while the database is open elsewhere, even when nothing is done with it', async () => {
    const { data, file } = await backedUp()
    const before = contentOf(data)
    await expect(restoreBackup({ file, data, force: true }, SILENT)).rejects.toThrow(/history\.db is in use: stop the server first\.$/)
    expect([...contentOf(data).keys()]).toEqual([...before.keys()])
    expect(contentOf(data).get('history.db')).toBe(before.get('history.db'))
    expect(contentOf(data).get('history.db-wal')).toBe(before.get('history.db-wal'))
  })

  it('touches nothing while a server has the folder, whether or not it keeps a history there', async () => {
    const { data, database, file } = await backedUp()
    database.close()
    for (const force of [true, false]) {
      if (!force) rmSync(join(data, 'history.db'))
      const lock = lockFolder(data, 0)
      const before = contentOf(data)
      await expect(restoreBackup({ file, data, force }, SILENT)).rejects.toThrow(/^The data folder .+ is in use by another process \(\d+ on .+\): stop the server first\.$/)
      expect(contentOf(data)).toEqual(before)
      lock.release()
    }
    await restoreBackup({ file, data, force: false }, SILENT)
    expect(devicesIn(join(data, 'history.db'))).toBe(50)
    // And leaves the folder to the server.
    lockFolder(data, 0).release()
  })

  it('refuses to replace a history without --force', async () => {
    const { data, database, file } = await backedUp()
    database.close()
    const before = contentOf(data)
    await expect(restoreBackup({ file, data, force: false }, SILENT)).rejects.toThrow('--force sets it aside')
    expect(contentOf(data)).toEqual(before)
  })

  it('keeps the old history beside and puts the backup in its place', async () => {
    const { data, database, file } = await backedUp()
    database.close()
    const report = await restoreBackup({ file, data, force: true }, SILENT, NOW)
    expect(report.setAside).toBe(join(data, ASIDE))
    expect(devicesIn(join(data, 'history.db'))).toBe(50)
    expect(devicesIn(join(data, ASIDE))).toBe(51)
  })

  it('sets a damaged history aside with its log, so that the log is not taken for the new one’s', async () => {
    const { data, database, file } = await backedUp()
    database.close()
    writeFileSync(join(data, 'history.db'), 'no database'.repeat(1_000))
    writeFileSync(join(data, 'history.db-wal'), 'log')
    writeFileSync(join(data, 'history.db-shm'), 'index')
    await restoreBackup({ file, data, force: true }, SILENT, NOW)
    expect(readFileSync(join(data, ASIDE), 'utf8')).toMatch(/^no database/)
    expect(existsSync(join(data, 'history.db-wal'))).toBe(false)
    expect(devicesIn(join(data, 'history.db'))).toBe(50)
  })

  it('makes the folder where there is none, and sets nothing aside', async () => {
    const { data, file } = await backedUp()
    const report = await restoreBackup({ file, data: join(data, 'new'), force: false }, SILENT)
    expect(report.setAside).toBeUndefined()
    expect([...contentOf(join(data, 'new')).keys()]).toEqual(['history.db'])
  })

  it('tells how far it is, to the last byte', async () => {
    const { data, file, bytes } = await backedUp()
    const ends: Record<string, number> = {}
    await restoreBackup({ file, data: join(data, 'new'), force: false }, { begin: verb => (done) => { ends[verb] = done } })
    expect(ends).toEqual({ checked: bytes.length - HEADER_BYTES, written: bytes.length - HEADER_BYTES })
  })
})
