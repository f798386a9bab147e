import { existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { describe, expect, it } from 'vitest'
import { makeBackup } from '../../../../tools/backup/make'
import { restoreBackup } from '../../../../tools/backup/put-back'
import { openHistory, SILENT, tempFolder } from './support'

function devicesIn(data: string): number {
  const database = new DatabaseSync(join(data, 'history.db'), { readOnly: true })
  const row = database.prepare('SELECT count(*) AS n FROM device').get()
  database.close()
  return Number(row?.n)
}

describe('a backup', () => {
  it('is of one moment and comes to an end, although somebody writes between any two of its steps', async () => {
    // 5,000 rows of 2 KB are more than one step of 4 MB.
    const { data, database, file } = openHistory(5_000)
    const seen: number[] = []
    const steps: typeof SILENT = {
      begin: verb => (bytes) => {
        if (verb !== 'copied') return
        seen.push(bytes)
        database.prepare('INSERT INTO device (name) VALUES (?)').run(`during-${seen.length}`)
      },
    }
    await makeBackup({ file, data, force: false }, steps)
    expect(seen.length).toBeGreaterThan(2)
    expect(seen).toEqual(seen.toSorted((a, b) => a - b))
    expect(new Set(seen).size).toBe(seen.length)

    const target = tempFolder()
    await restoreBackup({ file, data: target, force: false }, SILENT)
    expect(devicesIn(target)).toBe(5_000)
    expect(devicesIn(data)).toBe(5_000 + seen.length)
  })

  it('holds what is only in the write-ahead log yet, and leaves nothing beside itself', async () => {
    const { data, database, file } = openHistory(1)
    expect(statSync(join(data, 'history.db-wal')).size).toBeGreaterThan(0)
    await makeBackup({ file, data, force: false }, SILENT)
    expect(readdirSync(dirname(file)).sort()).toEqual(['data', 'history.backup'])
    expect(statSync(file).mode & 0o777).toBe(0o600)
    database.close()
    const target = tempFolder()
    await restoreBackup({ file, data: target, force: false }, SILENT)
    expect(devicesIn(target)).toBe(1)
  })

  it('replaces a file only with --force', async () => {
    const { data, file } = openHistory(1)
    writeFileSync(file, 'mine')
    await expect(makeBackup({ file, data, force: false }, SILENT)).rejects.toThrow('exists already; --force replaces it.')
    expect(readFileSync(file, 'utf8')).toBe('mine')
    await makeBackup({ file, data, force: true }, SILENT)
    expect(statSync(file).size).toBeGreaterThan(512)
  })

  it.each<[string, (data: string) => void, RegExp]>([
    ['no history', data => rmSync(join(data, 'history.db')), /^There is no history in \S+data; --data names the folder/],
    ['no database', data => writeFileSync(join(data, 'history.db'), 'x'.repeat(5_000)), /^The history in \S+data cannot be read: it is damaged, for it is not a database\.$/],
    ['an empty database', data => writeFileSync(join(data, 'history.db'), ''), /history\.db is not a history of Leitstand\.$/],
  ])('says that there is %s', async (_, spoil, sentence) => {
    const { data, database, file } = openHistory(1)
    database.close()
    spoil(data)
    await expect(makeBackup({ file, data, force: false }, SILENT)).rejects.toThrow(sentence)
    expect(existsSync(file)).toBe(false)
  })

  it('says that the folder for it does not exist', async () => {
    const { data, file } = openHistory(1)
    await expect(makeBackup({ file: join(file, 'x'), data, force: false }, SILENT)).rejects.toThrow('cannot be written: no such file or directory.')
  })
})
