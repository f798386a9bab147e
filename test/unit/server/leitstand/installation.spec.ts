import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { openDocuments } from '../../../../server/history/documents'
import { createInstallation } from '../../../../server/leitstand/installation'
import type { Installation } from '../../../../server/leitstand/installation'

const DAY_MS = 86_400_000
const HOUR_SECONDS = 3_600
const MADE = /^leitstand-[0-9a-z]{8}$/

let folder = ''
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'leitstand-installation-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
})

/** As after a start of the server on the folder. */
function start(given: { clientId?: string, seconds?: number, at?: string, now?: () => number } = {}) {
  const documents = openDocuments(join(given.at ?? folder, 'history.db'), () => {})
  onTestFinished(documents.close)
  const lines: string[] = []
  const say = (line: string) => void lines.push(line)
  const installation = createInstallation({
    clientId: given.clientId ?? '', sessionExpirySeconds: given.seconds ?? 7 * 86_400, marks: () => documents.marks, isOpen: documents.isOpen,
    log: { info: say, warn: say }, ...(given.now && { now: given.now }),
  })
  return { installation, lines, stop: async () => { await installation.stop(); documents.close() } }
}

/** What an application leaves that makes no names. */
function olderDatabase() {
  writeFileSync(join(folder, 'history.db'), readFileSync('test/fixtures/history-v3.db'))
}

describe('the name of an installation', () => {
  it('is made once, and kept', async () => {
    const first = start()
    const name = first.installation.name()
    expect(name).toMatch(MADE)
    expect(name.length).toBeLessThanOrEqual(23)
    await first.stop()
    expect(start().installation.name()).toBe(name)
    const other = mkdtempSync(join(tmpdir(), 'leitstand-other-'))
    onTestFinished(() => rmSync(other, { recursive: true }))
    expect(start({ at: other }).installation.name()).not.toBe(name)
  })

  it('stays what it was where an older version has run', async () => {
    olderDatabase()
    const first = start()
    expect(first.installation.name()).toBe('leitstand')
    expect(first.installation.sessionExpirySeconds()).toBe(7 * 86_400)
    await first.stop()
    expect(start().installation.name()).toBe('leitstand')
  })

  it('is the one that is set, for as long as it is', async () => {
    const first = start()
    const name = first.installation.name()
    await first.stop()
    const second = start({ clientId: 'plant' })
    expect(second.installation.name()).toBe('plant')
    await second.stop()
    expect(start().installation.name()).toBe(name)
  })

  it('is for one run where nothing can be kept, and its session for no longer than that', () => {
    writeFileSync(join(folder, 'file'), '')
    const { installation } = start({ at: join(folder, 'file') })
    expect(installation.name()).toMatch(MADE)
    expect(installation.name()).toBe(installation.name())
    expect(installation.sessionExpirySeconds()).toBe(0)
    expect(start({ at: join(folder, 'file'), clientId: 'plant' }).installation.sessionExpirySeconds()).toBe(7 * 86_400)
  })

  it('outlives a damaged database, as far as that can still be read', async () => {
    const first = start()
    const name = first.installation.name()
    await first.stop()
    const database = new DatabaseSync(join(folder, 'history.db'))
    const page = Number(database.prepare('SELECT rootpage FROM sqlite_schema WHERE name = \'segment_by_age\'').get()?.rootpage)
    const size = Number(database.prepare('PRAGMA page_size').get()?.page_size)
    database.close()
    const bytes = readFileSync(join(folder, 'history.db'))
    bytes.fill(0xFF, (page - 1) * size, page * size)
    writeFileSync(join(folder, 'history.db'), bytes)
    expect(start().installation.name()).toBe(name)
  })
})

describe('a session at the broker', () => {
  it('is the installation’s own once it has used it', async () => {
    const first = start({ clientId: 'plant' })
    expect(first.installation.isOurs('plant')).toBe(false)
    await first.installation.claim('plant')
    expect(first.installation.isOurs('plant')).toBe(true)
    await first.stop()
    const second = start({ clientId: 'plant' })
    expect(second.installation.isOurs('plant')).toBe(true)
    await second.stop()
    expect(start({ clientId: 'other' }).installation.isOurs('other')).toBe(false)
  })

  it('is its own under a name that it has made', () => {
    const { installation } = start()
    expect(installation.isOurs(installation.name())).toBe(true)
  })

  it('is its own under the name that it was given before anything was noted, and under no other', async () => {
    olderDatabase()
    const first = start({ clientId: 'plant' })
    expect(first.installation.isOurs('plant')).toBe(true)
    await first.installation.claim('plant')
    await first.stop()
    expect(start({ clientId: 'other' }).installation.isOurs('other')).toBe(false)
  })

  it('is left to whoever made it: another name is used, and kept', async () => {
    const first = start({ clientId: 'plant' })
    await first.installation.giveWay()
    const name = first.installation.name()
    expect(name).toMatch(/^plant-[0-9a-z]{8}$/)
    expect(first.installation.isOurs(name)).toBe(true)
    expect(first.lines).toEqual([expect.stringContaining(`this installation goes on as ${name}.`)])
    await first.stop()
    const again = start({ clientId: 'plant' })
    expect(again.installation.name()).toBe(name)
    await again.stop()
    expect(start({ clientId: 'other' }).installation.name()).toBe('other')
  })

  it('is as set where nothing can be noted', () => {
    writeFileSync(join(folder, 'file'), '')
    expect(start({ at: join(folder, 'file'), clientId: 'plant' }).installation.isOurs('plant')).toBe(true)
  })
})

describe('a new installation', () => {
  const clock = { now: 0 }
  beforeEach(() => {
    clock.now = 0
    vi.useFakeTimers()
    onTestFinished(() => void vi.useRealTimers())
  })

  async function run(installation: Installation, ms: number): Promise<number> {
    let settled = 0
    installation.start(() => { settled++ })
    for (let done = 0; done < ms; done += 60_000) {
      clock.now += 60_000
      await vi.advanceTimersByTimeAsync(60_000)
    }
    return settled
  }

  it('has a session for an hour at most until it has run for a day, and says when it has', async () => {
    const { installation } = start({ now: () => clock.now })
    expect(installation.sessionExpirySeconds()).toBe(HOUR_SECONDS)
    expect(await run(installation, DAY_MS - 60_000)).toBe(0)
    expect(installation.sessionExpirySeconds()).toBe(HOUR_SECONDS)
    clock.now += 60_000
    await vi.advanceTimersByTimeAsync(60_000)
    expect(installation.sessionExpirySeconds()).toBe(7 * 86_400)
  })

  it('counts the time of all its runs, and no other', async () => {
    for (const [hours, expiry] of [[9, HOUR_SECONDS], [9, HOUR_SECONDS], [9, 7 * 86_400]] as const) {
      const { installation, stop } = start({ now: () => clock.now })
      expect(installation.sessionExpirySeconds()).toBe(HOUR_SECONDS)
      expect(await run(installation, hours * 3_600_000)).toBe(expiry === HOUR_SECONDS ? 0 : 1)
      expect(installation.sessionExpirySeconds()).toBe(expiry)
      await stop()
      clock.now += 30 * DAY_MS
    }
    expect(start().installation.sessionExpirySeconds()).toBe(7 * 86_400)
  })

  it('has one for less where that is asked for, and then nothing changes after a day', async () => {
    const { installation } = start({ seconds: 60, now: () => clock.now })
    expect(installation.sessionExpirySeconds()).toBe(60)
    expect(await run(installation, DAY_MS)).toBe(0)
    expect(installation.sessionExpirySeconds()).toBe(60)
  })
})
