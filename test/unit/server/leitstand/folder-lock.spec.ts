import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { lockFolder } from '../../../../server/leitstand/folder-lock'
import { writeKeyFile } from '../../../../server/leitstand/key-file'

function tempFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'leitstand-lock-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** Another process that locks a folder the same way and stays. */
async function holdElsewhere(folder: string) {
  const code = `const { DatabaseSync } = require('node:sqlite')
    const database = new DatabaseSync(${JSON.stringify(join(folder, 'lock.db'))})
    database.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE; CREATE TABLE IF NOT EXISTS lock (id INTEGER); COMMIT')
    console.log('locked')
    setInterval(() => {}, 1_000)`
  const child = spawn(process.execPath, ['-e', code], { stdio: ['ignore', 'pipe', 'ignore'] })
  onTestFinished(() => void child.kill('SIGKILL'))
  await once(child.stdout, 'data')
  return child
}

describe('the lock of a data folder', () => {
  it('lets one process in at a time, and says who is there', () => {
    const folder = tempFolder()
    const first = lockFolder(folder, 0)
    expect(() => lockFolder(folder, 0)).toThrow(/The data folder is in use\. Another process \(\d+ on .+, since .+\) has it/)
    first.release()
    const second = lockFolder(folder, 0)
    expect(() => lockFolder(folder, 0)).toThrow('The data folder is in use.')
    second.release()
    expect(readdirSync(folder)).toEqual(['lock.db'])
  })

  it('is free as soon as a process is killed, whatever it left there', async () => {
    const folder = tempFolder()
    const child = await holdElsewhere(folder)
    writeFileSync(join(folder, 'lock.json'), JSON.stringify({ pid: child.pid, host: 'another-host', since: '2026-01-01T00:00:00Z' }))
    expect(() => lockFolder(folder, 0)).toThrow(`Another process (${child.pid} on another-host, since 2026-01-01T00:00:00Z)`)
    child.kill('SIGKILL')
    await once(child, 'exit')
    const lock = lockFolder(folder, 0)
    expect(readFileSync(join(folder, 'lock.json'), 'utf8')).toContain(`"pid":${process.pid}`)
    lock.release()
  })

  it('is made anew where its file is damaged, and not at all where nothing can be written', () => {
    const folder = tempFolder()
    writeFileSync(join(folder, 'lock.db'), 'not a database, but long enough to be looked at as one, which takes a hundred bytes and some more of them')
    const lock = lockFolder(folder, 0)
    expect(() => lockFolder(folder, 0)).toThrow('The data folder is in use.')
    lock.release()
    writeFileSync(join(folder, 'file'), '')
    lockFolder(join(folder, 'file'), 0).release()
    expect(readFileSync(join(folder, 'file'), 'utf8')).toBe('')
  })
})

describe('the key of a folder', () => {
  it('is removed only by the one that laid it there', () => {
    const folder = tempFolder()
    const removeFirst = writeKeyFile(folder, 'first')
    const removeSecond = writeKeyFile(folder, 'second')
    removeFirst()
    expect(readFileSync(join(folder, 'admin.key'), 'utf8')).toBe('second\n')
    removeSecond()
    expect(() => readFileSync(join(folder, 'admin.key'))).toThrow()
  })
})
