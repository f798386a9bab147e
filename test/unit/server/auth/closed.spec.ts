import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { createAccounts } from '../../../../server/auth/accounts'
import type { Accounts, Principal } from '../../../../server/auth/contract'
import { createAccountsMarker } from '../../../../server/auth/accounts-marker'
import { openDocuments } from '../../../../server/history/documents'
import { byCookie, byToken, FROM, NOBODY, openAccounts, PASSWORD, tempFile, withAdmin, witnessOf } from './support'

const MACHINE: Principal = { by: 'machine', role: 'admin', name: null, key: 'machine', deviceScope: undefined }

/** Nobody comes in, and nobody is handed an account, from this machine either. */
async function expectClosed(accounts: Accounts) {
  expect(accounts.state()).toBe('lost')
  expect(accounts.identify(NOBODY)).toBeUndefined()
  expect(accounts.identify({ ...NOBODY, isLocal: true })).toBeUndefined()
  expect(accounts.describe(undefined)).toMatchObject({ isFirst: false, isClosed: true })
  for (const code of [null, accounts.firstCode()]) expect(await accounts.addFirst({ name: 'eve', password: PASSWORD }, code, FROM)).toMatchObject({ code: 'accounts-lost' })
  expect(await accounts.login('anna', PASSWORD, FROM)).toMatchObject({ code: 'accounts-lost' })
  expect(await accounts.loginExternal({ issuer: 'https://login.example', subject: 's-1', name: 'vera', role: 'admin' }, FROM)).toMatchObject({ code: 'accounts-lost' })
}

type Opened = Awaited<ReturnType<typeof withAdmin>>

const LOSSES: [string, (opened: Opened) => Promise<void>][] = [
  ['the rows are deleted', async ({ store }) => store.write([{ kind: 'account', name: 'anna', body: null }])],
  ['the rows are no JSON', async ({ store }) => store.write([{ kind: 'account', name: 'anna', body: '\u0000{"na' }])],
  ['everything is deleted', async ({ store }) => store.write(['account', 'session', 'token', 'share', 'audit', 'accounts'].flatMap(kind => store.all(kind).map(({ name }) => ({ kind, name, body: null }))))],
  ['the file is gone', async ({ store, file }) => {
    store.close()
    for (const suffix of ['', '-wal', '-shm']) rmSync(file + suffix, { force: true })
  }],
  ['the file is empty', async ({ store, file }) => {
    store.close()
    writeFileSync(file, '')
  }],
]

describe('accounts that were there and cannot be read', () => {
  it.each(LOSSES)('open nothing when %s', async (_, lose) => {
    for (const isOpen of [true, false]) {
      const opened = await withAdmin()
      await lose(opened)
      const { accounts } = openAccounts({ isOpen }, opened.file)
      await expectClosed(accounts)
      expect(byCookie(accounts, opened.admin.token)).toBeUndefined()
    }
  })

  it('nor when the folder says nothing and the database says it', async () => {
    const { file, store } = await withAdmin()
    await store.write([{ kind: 'account', name: 'anna', body: null }])
    rmSync(join(dirname(file), 'accounts.json'))
    await expectClosed(openAccounts({ isOpen: true }, file).accounts)
  })

  it('nor when what the folder says cannot be read', async () => {
    const { file } = openAccounts()
    writeFileSync(join(dirname(file), 'accounts.json'), '')
    await expectClosed(openAccounts({ isOpen: true }, file).accounts)
  })

  it('nor when the folder says nothing and what is left of a damaged database tells of them', async () => {
    const { file, store } = await withAdmin()
    store.close()
    rmSync(join(dirname(file), 'accounts.json'))
    const bytes = readFileSync(file)
    bytes.fill(0xAB, 0, 4_096)
    writeFileSync(file, bytes)
    const marker = witnessOf(file)
    const damaged = openDocuments(file, marker.damaged)
    onTestFinished(damaged.close)
    const accounts = createAccounts({ store: damaged, marker, isOpen: true, sessionDays: 14, maxAccounts: 3, maxAuditEntries: 5 })
    accounts.load()
    await expectClosed(accounts)
    // Also at the next start, with the new database.
    await expectClosed(openAccounts({ isOpen: true }, file).accounts)
  })

  it('are missed in an installation from before that was kept', async () => {
    const { file, store } = await withAdmin()
    await store.write([{ kind: 'accounts', name: 'there', body: null }])
    rmSync(join(dirname(file), 'accounts.json'))
    expect(openAccounts({}, file).accounts.state()).toBe('some')
    await vi.waitFor(() => expect(store.all('accounts')).toHaveLength(1))
    await store.write([{ kind: 'account', name: 'anna', body: null }])
    await expectClosed(openAccounts({ isOpen: true }, file).accounts)
  })

  it('are not missed where there were none', () => {
    const { file, store, accounts } = openAccounts({ isOpen: true })
    expect(accounts.state()).toBe('none')
    store.close()
    writeFileSync(`${file}.damaged`, 'not a database')
    const marker = witnessOf(file)
    marker.damaged(`${file}.damaged`)
    rmSync(file, { force: true })
    expect(openAccounts({ isOpen: true, marker }, file).accounts.state()).toBe('none')
    expect(existsSync(join(dirname(file), 'accounts.json'))).toBe(false)
  })

  it('hold no secret beside the database', async () => {
    const { file, admin } = await withAdmin()
    const text = readFileSync(join(dirname(file), 'accounts.json'), 'utf8')
    expect(JSON.parse(text)).toEqual({ accounts: 'some', at: expect.any(String), about: expect.stringContaining('give-up-accounts') })
    for (const secret of [PASSWORD, admin.token, 'anna']) expect(text).not.toContain(secret)
  })
})

describe('what opens it again', () => {
  it('a new account from the machine, which gets nothing of the old ones', async () => {
    const opened = await withAdmin()
    const made = await opened.accounts.addToken(opened.admin.principal, { name: 'script', role: 'admin', days: null })
    if ('code' in made) throw new Error(made.code)
    await opened.store.write([{ kind: 'account', name: 'anna', body: null }])
    const { accounts } = openAccounts({}, opened.file)
    expect(await accounts.add({ name: 'anna', role: 'admin', password: PASSWORD })).toBeUndefined()
    expect(accounts.state()).toBe('some')
    expect(byCookie(accounts, opened.admin.token)).toBeUndefined()
    expect(byToken(accounts, made.token)).toBeUndefined()
    expect(await accounts.login('anna', PASSWORD, FROM)).toHaveProperty('token')
    expect(openAccounts({}, opened.file).accounts.state()).toBe('some')
  })

  it('giving them up, by the machine alone; then it is as if there had been none', async () => {
    const onNone = vi.fn()
    const opened = await withAdmin({ onNone })
    const leave = vi.fn()
    opened.accounts.onRevoked(opened.admin.principal, leave)
    expect(await opened.accounts.giveUp(opened.admin.principal)).toMatchObject({ code: 'machine-only' })
    expect(onNone).toHaveBeenCalledTimes(1)
    expect(await opened.accounts.giveUp(MACHINE)).toBeUndefined()
    expect(onNone).toHaveBeenCalledTimes(2)
    expect(leave).toHaveBeenCalledOnce()
    expect(byCookie(opened.accounts, opened.admin.token)).toBeUndefined()
    expect(opened.accounts.identify({ ...NOBODY, isLocal: true })).toMatchObject({ by: 'machine' })
    expect(openAccounts({}, opened.file).accounts.state()).toBe('none')
  })

  it('giving up those that cannot be read', async () => {
    const { store, file } = await withAdmin()
    await store.write([{ kind: 'account', name: 'anna', body: 'no JSON' }])
    const { accounts } = openAccounts({}, file)
    expect(await accounts.giveUp(MACHINE)).toBeUndefined()
    expect(store.all('account')).toEqual([])
    expect(openAccounts({}, file).accounts.state()).toBe('none')
  })
})

describe('before the database was read', () => {
  const unread = (file: string) => createAccounts({ store: { all: () => [], write: () => Promise.resolve() }, marker: witnessOf(file), isOpen: true, sessionDays: 14, maxAccounts: 3, maxAuditEntries: 5 })

  it('nobody comes in, from this machine either, unless it is known that there is no account', async () => {
    const { file } = await withAdmin()
    expect(unread(file).identify({ ...NOBODY, isLocal: true })).toBeUndefined()
    rmSync(join(dirname(file), 'accounts.json'))
    expect(unread(file).identify({ ...NOBODY, isLocal: true })).toBeUndefined()
    expect(unread(openAccounts().file).identify({ ...NOBODY, isLocal: true })).toMatchObject({ by: 'machine' })
    expect(unread(tempFile()).identify({ ...NOBODY, isLocal: true })).toMatchObject({ by: 'machine' })
  })
})

describe('a database elsewhere, to which others may write', () => {
  it('is closed before it was read, and says itself that accounts were given up', async () => {
    const { file, store } = await withAdmin()
    const elsewhere = () => createAccountsMarker({ folder: dirname(file), database: undefined, isShared: true })
    expect(elsewhere().before()).toBe('some')
    await store.write([{ kind: 'account', name: 'anna', body: null }, { kind: 'session', name: store.all('session')[0]?.name ?? '', body: null }])
    const { accounts } = openAccounts({ marker: elsewhere() }, file)
    expect(accounts.state()).toBe('lost')
    // By another replica, as its log tells.
    const change = createAccountsMarker({ folder: join(dirname(file), 'other'), database: undefined, isShared: true, now: () => Date.now() + 1_000 }).change('none')
    await store.write([change])
    accounts.follow(change.kind, change.name, change.body ?? undefined)
    expect(accounts.state()).toBe('none')
    expect(elsewhere().before()).toBe('some')
    expect(openAccounts({ marker: elsewhere() }, file).accounts.state()).toBe('none')
  })
})

it('a database that replicas share and that cannot be opened opens nothing, whatever is not known', () => {
  const folder = join(dirname(tempFile()), 'fresh')
  const elsewhere = (isShared: boolean, failed: boolean) => createAccountsMarker({ folder, database: undefined, isShared, hasFailed: () => failed }).before()
  expect(elsewhere(true, true)).toBe('some')
  expect(elsewhere(true, false)).toBe('none')
  expect(elsewhere(false, true)).toBe('none')
})

describe('a session that is only in memory', () => {
  it('stays when the store is opened anew, and is kept then', async () => {
    const { accounts, store } = await withAdmin()
    const write = vi.spyOn(store, 'write').mockRejectedValue(new Error('The disk with the history is full.'))
    const begun = await accounts.login('anna', PASSWORD, FROM)
    if ('code' in begun) throw new Error(begun.code)
    expect(byCookie(accounts, begun.token)).toMatchObject({ name: 'anna' })
    accounts.load()
    expect(byCookie(accounts, begun.token)).toMatchObject({ name: 'anna' })
    write.mockRestore()
    accounts.note({ who: 'anna', by: 'session', address: '', deed: 'login', target: null, status: 200 })
    await vi.waitFor(() => expect(store.all('session')).toHaveLength(2))
  })
})
