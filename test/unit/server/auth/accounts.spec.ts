import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { createAccounts } from '../../../../server/auth/accounts'
import { begun, byCookie, byToken, DAY_MS, FROM, NOBODY, openAccounts, PASSWORD, tempFile, withAdmin, witnessOf } from './support'

describe('while no account exists', () => {
  it('only this machine may enter', () => {
    const { accounts } = openAccounts()
    expect(accounts.identify(NOBODY)).toBeUndefined()
    expect(accounts.identify({ ...NOBODY, isLocal: true })).toMatchObject({ by: 'machine', role: 'admin' })
    expect(accounts.identify({ ...NOBODY, isLocal: true, bearer: 'lst_wrong' })).toBeUndefined()
  })

  it('everybody may, where that is wanted, until there is one', async () => {
    const { accounts } = openAccounts({ isOpen: true })
    const principal = accounts.identify(NOBODY)
    expect(principal).toMatchObject({ by: 'open' })
    const leave = vi.fn()
    if (principal) accounts.onRevoked(principal, leave)
    await accounts.addFirst({ name: 'anna', password: PASSWORD }, accounts.firstCode().toLowerCase().replaceAll('-', ' '), FROM)
    expect(leave).toHaveBeenCalledOnce()
    expect(accounts.identify({ ...NOBODY, isLocal: true })).toBeUndefined()
  })

  it('the code makes the first, an admin, and no second', async () => {
    const { accounts } = openAccounts()
    expect(await accounts.addFirst({ name: 'anna', password: PASSWORD }, 'AAAA-AAAA-AAAA', FROM)).toMatchObject({ code: 'code-wrong' })
    expect(begun(await accounts.addFirst({ name: 'anna', password: PASSWORD }, accounts.firstCode(), FROM)).principal).toMatchObject({ name: 'anna', role: 'admin' })
    expect(await accounts.addFirst({ name: 'eve', password: PASSWORD }, accounts.firstCode(), FROM)).toMatchObject({ code: 'not-first' })
  })

  it('guessing the code is limited', async () => {
    const { accounts } = openAccounts()
    for (let i = 0; i < 5; i++) await accounts.addFirst({ name: 'eve', password: PASSWORD }, `AAAA-AAAA-AAA${i}`, FROM)
    expect(await accounts.addFirst({ name: 'eve', password: PASSWORD }, accounts.firstCode(), FROM)).toMatchObject({ code: 'login-too-often' })
  })

  it('the first has to be an admin', async () => {
    const { accounts } = openAccounts()
    expect(await accounts.add({ name: 'vera', role: 'viewer', password: PASSWORD })).toMatchObject({ code: 'last-admin' })
  })
})

describe('before the store was opened', () => {
  it('this machine may enter and nobody else, and no account can be made', async () => {
    const store = { all: () => [], write: () => Promise.resolve() }
    const accounts = createAccounts({ store, marker: witnessOf(tempFile()), isOpen: true, sessionDays: 14, maxAccounts: 3, maxAuditEntries: 5 })
    expect(accounts.identify({ ...NOBODY, isLocal: true })).toMatchObject({ by: 'machine' })
    expect(accounts.identify(NOBODY)).toBeUndefined()
    expect(await accounts.add({ name: 'eve', role: 'admin', password: PASSWORD })).toMatchObject({ code: 'accounts-unavailable' })
    expect(await accounts.addFirst({ name: 'eve', password: PASSWORD }, null, FROM)).toMatchObject({ code: 'accounts-unavailable' })
  })
})

describe('accounts that this version cannot read', () => {
  it('do not open the door', async () => {
    const { store, file } = openAccounts()
    await store.write([{ kind: 'account', name: 'anna', body: '{"from":"the future"}' }])
    const accounts = createAccounts({ store, marker: witnessOf(file), isOpen: true, sessionDays: 14, maxAccounts: 3, maxAuditEntries: 5 })
    expect(accounts.load()).toEqual({ unreadable: 1 })
    expect(accounts.identify({ ...NOBODY, isLocal: true })).toBeUndefined()
  })
})

describe('signing in', () => {
  it('takes the right password, and the name in any case', async () => {
    const { accounts } = await withAdmin()
    expect(await accounts.login('anna', 'correct horse batterz', FROM)).toMatchObject({ code: 'login-wrong' })
    expect(await accounts.login('nobody', PASSWORD, FROM)).toMatchObject({ code: 'login-wrong' })
    const { token, principal } = begun(await accounts.login(' ANNA ', PASSWORD, FROM))
    expect(principal.name).toBe('anna')
    expect(byCookie(accounts, token)).toMatchObject({ by: 'session', role: 'admin' })
  })

  it('begins a new session each time: one that was known before is worth nothing', async () => {
    const { accounts, admin } = await withAdmin()
    const second = begun(await accounts.login('anna', PASSWORD, FROM))
    expect(second.token).not.toBe(admin.token)
    await accounts.logout(second.principal)
    expect(byCookie(accounts, second.token)).toBeUndefined()
    expect(byCookie(accounts, admin.token)).toBeDefined()
  })

  it('is refused after too many wrong passwords from one address, for one name, and counted', async () => {
    const { accounts, clock } = await withAdmin()
    const wrong = (address: string, name = 'anna') => accounts.login(name, 'wrong', { address, agent: '' })
    for (let i = 0; i < 5; i++) expect(await wrong('192.0.2.9')).toMatchObject({ code: 'login-wrong' })
    expect(await accounts.login('anna', PASSWORD, { address: '192.0.2.9', agent: '' })).toMatchObject({ code: 'login-too-often', retryAfter: 900 })
    // Elsewhere anna still comes in.
    begun(await accounts.login('anna', PASSWORD, FROM))
    for (let i = 0; i < 15; i++) await wrong('192.0.2.9', `name-${i}`)
    expect(await wrong('192.0.2.9', 'another')).toMatchObject({ code: 'login-too-often' })
    expect(accounts.audit(1).logins).toEqual({ failed: 20, refused: 2, provider: 0 })
    clock.now += 900_001
    begun(await accounts.login('anna', PASSWORD, { address: '192.0.2.9', agent: '' }))
  })

  it('is refused as well when many are tried at once', async () => {
    const { accounts } = await withAdmin()
    const answers = await Promise.all(Array.from({ length: 50 }, () => accounts.login('anna', 'wrong', { address: '2001:db8::1', agent: '' })))
    expect(answers.filter(answer => 'code' in answer && answer.code === 'login-wrong')).toHaveLength(5)
  })

  it('looks at few passwords at a time, and refuses what would have to wait too long', async () => {
    const { accounts } = await withAdmin()
    const answers = await Promise.all(Array.from({ length: 40 }, (_, i) => accounts.login(`name-${i}`, 'wrong', { address: `192.0.2.${i}`, agent: '' })))
    expect(answers.filter(answer => 'code' in answer && answer.code === 'login-busy')).toHaveLength(19)
  })
})

describe('sessions', () => {
  it('end with signing out everywhere, with another password, with the account, and with time; and what is open is told at once', async () => {
    const { accounts, clock, admin } = await withAdmin()
    accounts.start()
    onTestFinished(accounts.stop)
    await accounts.add({ name: 'otto', role: 'operator', password: PASSWORD })
    const ends: [string, () => Promise<unknown>][] = [
      ['sign out', async () => accounts.logout(session.principal)],
      ['everywhere', async () => accounts.logoutAll('Otto')],
      ['password', async () => accounts.change('otto', { password: PASSWORD })],
      ['account', async () => accounts.remove('otto')],
    ]
    let session = admin
    for (const [name, end] of ends) {
      session = begun(await accounts.login('otto', PASSWORD, FROM))
      const leave = vi.fn()
      accounts.onRevoked(session.principal, leave)
      await end()
      expect(leave, name).toHaveBeenCalledOnce()
      expect(byCookie(accounts, session.token), name).toBeUndefined()
    }
    expect(byCookie(accounts, admin.token)).toBeDefined()
    clock.now += 14 * DAY_MS
    expect(byCookie(accounts, admin.token)).toBeUndefined()
  })

  it('are listed with where they came from, and which one asks', async () => {
    const { accounts, admin } = await withAdmin()
    begun(await accounts.login('anna', PASSWORD, { address: '192.0.2.2', agent: 'x'.repeat(1_000) }))
    const listed = accounts.sessions(admin.principal)
    expect(listed.map(({ isThis, address }) => [isThis, address]).sort()).toEqual([[false, '192.0.2.2'], [true, '192.0.2.1']])
    expect(listed.find(({ isThis }) => !isThis)?.agent).toHaveLength(200)
  })

  it('are bounded: the one not used for longest goes', async () => {
    const { accounts, clock, admin } = await withAdmin()
    for (let i = 0; i < 50; i++) {
      clock.now++
      begun(await accounts.login('anna', PASSWORD, FROM))
    }
    expect(byCookie(accounts, admin.token)).toBeUndefined()
    expect(accounts.list()[0]?.sessions).toBe(50)
  })

  it('changing one’s password needs the current one and ends the others', async () => {
    const { accounts, admin } = await withAdmin()
    const other = begun(await accounts.login('anna', PASSWORD, FROM))
    expect(await accounts.changePassword(admin.principal, 'wrong', 'another long one', FROM)).toMatchObject({ code: 'password-wrong' })
    const next = begun(await accounts.changePassword(admin.principal, PASSWORD, 'another long one', FROM))
    for (const { token } of [admin, other]) expect(byCookie(accounts, token)).toBeUndefined()
    expect(byCookie(accounts, next.token)).toBeDefined()
    expect(await accounts.login('anna', PASSWORD, FROM)).toMatchObject({ code: 'login-wrong' })
  })
})

describe('accounts', () => {
  it('have one name in any case, a limit, and always an admin', async () => {
    const { accounts } = await withAdmin()
    expect(await accounts.add({ name: 'ANNA', role: 'viewer', password: PASSWORD })).toMatchObject({ code: 'account-exists' })
    expect(await accounts.remove('anna')).toMatchObject({ code: 'last-admin' })
    expect(await accounts.change('anna', { role: 'viewer' })).toMatchObject({ code: 'last-admin' })
    expect(await accounts.add({ name: 'otto', role: 'admin', password: PASSWORD })).toBeUndefined()
    expect(await accounts.change('anna', { role: 'viewer' })).toBeUndefined()
    expect(await accounts.add({ name: 'vera', role: 'viewer', password: PASSWORD })).toBeUndefined()
    expect(await accounts.add({ name: 'one-more', role: 'viewer', password: PASSWORD })).toMatchObject({ code: 'accounts-full' })
    expect(await accounts.remove('nobody')).toMatchObject({ code: 'account-unknown' })
  })

  it('get another role at once', async () => {
    const { accounts } = await withAdmin()
    await accounts.add({ name: 'otto', role: 'viewer', password: PASSWORD })
    const { token } = begun(await accounts.login('otto', PASSWORD, FROM))
    await accounts.change('otto', { role: 'operator' })
    expect(byCookie(accounts, token)).toMatchObject({ role: 'operator' })
  })
})

describe('tokens', () => {
  it('may at most what their account may, now and later', async () => {
    const { accounts } = await withAdmin()
    await accounts.add({ name: 'otto', role: 'operator', password: PASSWORD })
    const { principal } = begun(await accounts.login('otto', PASSWORD, FROM))
    expect(await accounts.addToken(principal, { name: 'script', role: 'admin', days: null })).toMatchObject({ code: 'role-too-high' })
    const made = await accounts.addToken(principal, { name: 'script', role: 'operator', days: null })
    if (!('token' in made)) throw new Error('no token')
    expect(byToken(accounts, made.token)).toMatchObject({ by: 'token', role: 'operator', name: 'otto' })
    await accounts.change('otto', { role: 'viewer' })
    expect(byToken(accounts, made.token)).toMatchObject({ role: 'viewer' })
  })

  it('expire, say when they were used, are seen by their account alone, and are told once', async () => {
    const { accounts, clock, admin } = await withAdmin()
    const made = await accounts.addToken(admin.principal, { name: 'script', role: 'viewer', days: 1 })
    if (!('token' in made)) throw new Error('no token')
    expect(accounts.tokens(admin.principal)).toMatchObject([{ name: 'script', lastUsedAt: null }])
    byToken(accounts, made.token)
    expect(accounts.tokens(admin.principal)).toMatchObject([{ lastUsedAt: '2026-11-24T12:00:00.000Z' }])
    expect(JSON.stringify(accounts.tokens(admin.principal))).not.toContain(made.token)
    await accounts.add({ name: 'otto', role: 'operator', password: PASSWORD })
    const otto = begun(await accounts.login('otto', PASSWORD, FROM)).principal
    expect(accounts.tokens(otto)).toEqual([])
    expect(await accounts.removeToken(otto, made.id)).toMatchObject({ code: 'token-unknown' })
    clock.now += DAY_MS
    expect(byToken(accounts, made.token)).toBeUndefined()
  })

  it('have a limit', async () => {
    const { accounts, admin } = await withAdmin()
    for (let i = 0; i < 50; i++) await accounts.addToken(admin.principal, { name: `t${i}`, role: 'viewer', days: null })
    expect(await accounts.addToken(admin.principal, { name: 'one more', role: 'viewer', days: null })).toMatchObject({ code: 'tokens-full' })
  })
})

describe('what is kept', () => {
  it('comes back after a restart, and no password and no token can be read in it', async () => {
    const { accounts, admin, file, store } = await withAdmin()
    const made = await accounts.addToken(admin.principal, { name: 'script', role: 'viewer', days: null })
    if (!('token' in made)) throw new Error('no token')
    accounts.note({ who: 'anna', by: 'session', address: '192.0.2.1', deed: 'login', target: null, status: 200 })
    await vi.waitFor(() => expect(accounts.audit(10).entries).toHaveLength(1))
    store.close()
    const { accounts: again } = openAccounts({}, file)
    expect(byCookie(again, admin.token)).toMatchObject({ name: 'anna' })
    expect(byToken(again, made.token)).toMatchObject({ name: 'anna', role: 'viewer' })
    begun(await again.login('anna', PASSWORD, FROM))
    expect(again.audit(10).entries).toMatchObject([{ id: 1, who: 'anna' }])
    const folder = join(file, '..')
    const bytes = Buffer.concat(readdirSync(folder).map(name => readFileSync(join(folder, name))))
    for (const secret of [PASSWORD, admin.token, made.token, made.token.slice(4), again.firstCode()]) expect(bytes.includes(secret)).toBe(false)
  })

  it('is not changed when it cannot be written, but signing out holds, and is made up for', async () => {
    const { accounts, admin, file, store } = await withAdmin()
    const write = vi.spyOn(store, 'write').mockRejectedValue(new Error('The disk with the history is full.'))
    expect(await accounts.add({ name: 'otto', role: 'viewer', password: PASSWORD })).toEqual({ code: 'accounts-unavailable', message: 'The disk with the history is full.' })
    expect(accounts.list()).toHaveLength(1)
    await accounts.logout(admin.principal)
    expect(byCookie(accounts, admin.token)).toBeUndefined()
    write.mockRestore()
    await accounts.add({ name: 'otto', role: 'viewer', password: PASSWORD })
    store.close()
    expect(byCookie(openAccounts({}, file).accounts, admin.token)).toBeUndefined()
  })
})

describe('the audit log', () => {
  it('is read newest first, page by page, and gives up the oldest', async () => {
    const { accounts } = openAccounts()
    for (let i = 0; i < 8; i++) accounts.note({ who: null, by: 'machine', address: '127.0.0.1', deed: 'profile', target: `d-${i}`, status: 200 })
    await vi.waitFor(() => expect(accounts.audit(10).entries.map(({ target }) => target)).toEqual(['d-7', 'd-6', 'd-5', 'd-4', 'd-3']))
    const { entries, next } = accounts.audit(2)
    expect(entries.map(({ id }) => id)).toEqual([8, 7])
    expect(accounts.audit(2, next ?? undefined).entries.map(({ id }) => id)).toEqual([6, 5])
    expect(accounts.audit(2, 5).next).toBeNull()
  })
})
