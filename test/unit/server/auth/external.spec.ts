import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { createAccounts } from '../../../../server/auth/accounts'
import type { AccountOptions, NewSession, Refusal, External } from '../../../../server/auth/contract'
import { openDocuments } from '../../../../server/history/documents'
import { tempFile, witnessOf } from './support'

const PASSWORD = 'correct horse battery'
const FROM = { address: '192.0.2.1', agent: 'a browser' }
const VERA: External = { issuer: 'https://login.example', subject: 's-1', name: 'vera', role: 'viewer' }

/** The room with a local admin, on a database of its own. */
async function openAccounts(options: Partial<AccountOptions> = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'leitstand-accounts-'))
  const store = openDocuments(join(folder, 'history.db'), () => {})
  onTestFinished(() => {
    store.close()
    rmSync(folder, { recursive: true, force: true })
  })
  const open = () => {
    const accounts = createAccounts({ store, marker: witnessOf(join(folder, 'history.db')), isOpen: false, sessionDays: 14, maxAccounts: 200, maxAuditEntries: 5, hashCost: 16, provider: 'Plant login', ...options })
    accounts.load()
    return accounts
  }
  const accounts = open()
  await accounts.addFirst({ name: 'anna', password: PASSWORD }, null, FROM)
  return { accounts, store, open }
}

function begun(answer: NewSession | Refusal): NewSession {
  if ('code' in answer) throw new Error(answer.code)
  return answer
}

const seen = ({ token }: NewSession) => ({ cookie: token, bearer: undefined, isLocal: false })

describe('an account from the provider', () => {
  it('is the same one whatever it is called there, and another one of another provider', async () => {
    const { accounts, open } = await openAccounts()
    begun(await accounts.loginExternal(VERA, FROM))
    expect(begun(await accounts.loginExternal({ ...VERA, name: 'vera.married', role: 'operator' }, FROM)).principal).toMatchObject({ name: 'vera', role: 'operator' })
    expect(begun(await accounts.loginExternal({ ...VERA, issuer: 'https://other.example' }, FROM)).principal.name).toBe('vera-2')
    expect(begun(await accounts.loginExternal({ ...VERA, subject: 's-2' }, FROM)).principal.name).toBe('vera-3')
    expect(open().list().map(({ name, issuer, role }) => [name, issuer, role])).toEqual([
      ['anna', null, 'admin'], ['vera', VERA.issuer, 'operator'], ['vera-2', 'https://other.example', 'viewer'], ['vera-3', VERA.issuer, 'viewer'],
    ])
  })

  it('never is one with a password, not even one whose name fills the room for a name', async () => {
    const { accounts } = await openAccounts()
    const long = 'x'.repeat(64)
    await accounts.add({ name: long, role: 'operator', password: PASSWORD })
    const { principal } = begun(await accounts.loginExternal({ ...VERA, name: long.toUpperCase(), role: 'admin' }, FROM))
    expect(principal.name).toBe(`${'X'.repeat(56)}-2`)
    expect(accounts.list().find(({ name }) => name === long)).toMatchObject({ role: 'operator', issuer: null })
    expect(await accounts.add({ name: principal.name ?? '', role: 'viewer', password: PASSWORD })).toMatchObject({ code: 'account-exists' })
  })

  it('has neither a password nor a role that is decided here', async () => {
    const { accounts } = await openAccounts()
    const { principal } = begun(await accounts.loginExternal(VERA, FROM))
    expect(accounts.describe(principal)).toMatchObject({ isExternal: true, provider: 'Plant login' })
    expect(await accounts.login('vera', '', FROM)).toMatchObject({ code: 'login-wrong' })
    expect(await accounts.changePassword(principal, '', PASSWORD, FROM)).toMatchObject({ code: 'account-external' })
    for (const change of [{ role: 'admin' as const }, { password: PASSWORD }]) expect(await accounts.change('vera', change)).toMatchObject({ code: 'account-external' })
    expect(await accounts.remove('vera')).toBeUndefined()
  })

  it('gives its new role to every session and token', async () => {
    const { accounts } = await openAccounts()
    const first = begun(await accounts.loginExternal({ ...VERA, role: 'admin' }, FROM))
    const made = await accounts.addToken(first.principal, { name: 'script', role: 'admin', days: null })
    if (!('token' in made)) throw new Error('no token')
    begun(await accounts.loginExternal(VERA, FROM))
    expect(accounts.identify(seen(first))).toMatchObject({ role: 'viewer' })
    expect(accounts.identify({ cookie: undefined, bearer: made.token, isLocal: false })).toMatchObject({ role: 'viewer' })
  })

  it('without a role any more ends what is open, and is no admin that could be the last', async () => {
    const { accounts, open } = await openAccounts()
    const session = begun(await accounts.loginExternal({ ...VERA, role: 'admin' }, FROM))
    const made = await accounts.addToken(session.principal, { name: 'script', role: 'viewer', days: null })
    if (!('token' in made)) throw new Error('no token')
    const byToken = { cookie: undefined, bearer: made.token, isLocal: false }
    let left = 0
    for (const evidence of [seen(session), byToken]) {
      const principal = accounts.identify(evidence)
      if (principal) accounts.onRevoked(principal, () => left++)
    }
    await accounts.suspend(VERA.issuer, VERA.subject)
    expect(left).toBe(2)
    for (const room of [accounts, open()]) for (const evidence of [seen(session), byToken]) expect(room.identify(evidence)).toBeUndefined()
    expect(await accounts.change('anna', { role: 'viewer' })).toMatchObject({ code: 'last-admin' })
    await accounts.suspend(VERA.issuer, 'nobody')
    expect(accounts.list()).toHaveLength(2)
    begun(await accounts.loginExternal(VERA, FROM))
    expect(accounts.identify(byToken)).toMatchObject({ name: 'vera' })
  })

  it('is not made beyond the limit, nor as the first one of a viewer, nor when it cannot be written', async () => {
    const { accounts, store } = await openAccounts({ maxAccounts: 2 })
    begun(await accounts.loginExternal(VERA, FROM))
    expect(await accounts.loginExternal({ ...VERA, subject: 's-2' }, FROM)).toMatchObject({ code: 'accounts-full' })
    vi.spyOn(store, 'write').mockRejectedValue(new Error('The disk with the history is full.'))
    // What it is already needs no disk.
    begun(await accounts.loginExternal(VERA, FROM))
    expect(await accounts.loginExternal({ ...VERA, role: 'admin' }, FROM)).toMatchObject({ code: 'accounts-unavailable' })
    expect(accounts.list().find(({ name }) => name === 'vera')?.role).toBe('viewer')

    const empty = createAccounts({ store: { all: () => [], write: () => Promise.resolve() }, marker: witnessOf(tempFile()), isOpen: true, sessionDays: 14, maxAccounts: 3, maxAuditEntries: 5 })
    expect(await empty.loginExternal({ ...VERA, role: 'admin' }, FROM)).toMatchObject({ code: 'accounts-unavailable' })
    empty.load()
    expect(await empty.loginExternal(VERA, FROM)).toMatchObject({ code: 'last-admin' })
    begun(await empty.loginExternal({ ...VERA, role: 'admin' }, FROM))
    expect(empty.state()).toBe('some')
  })
})

describe('attempts at the provider', () => {
  it('are all counted, and few of one kind noted', async () => {
    const { accounts } = await openAccounts()
    const noted = (reason: string, address: string) => Array.from({ length: 30 }, () => accounts.countExternal(reason, address)).filter(Boolean).length
    expect(noted('provider-down', '192.0.2.1')).toBe(5)
    expect(noted('provider-down', '192.0.2.2')).toBe(5)
    expect(noted('provider-expired', '192.0.2.1')).toBe(5)
    expect(accounts.audit(1).logins).toEqual({ failed: 0, refused: 0, provider: 90 })
    // A password from there is still looked at.
    begun(await accounts.login('anna', PASSWORD, FROM))
  })
})

describe('accounts of a version that knew no provider', () => {
  it('go on as they are', async () => {
    const { store, open } = await openAccounts()
    await store.write([{ kind: 'account', name: 'old', body: JSON.stringify({ name: 'old', role: 'operator', hash: 'scrypt$16$8$3$c2FsdA$a2V5', createdAt: 0 }) }])
    expect(open().list().find(({ name }) => name === 'old')).toMatchObject({ role: 'operator', issuer: null, isBarred: false })
  })
})
