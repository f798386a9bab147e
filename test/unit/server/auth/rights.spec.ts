import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { NewAccountSchema, NewShareSchema } from '#shared/schemas/access'
import type { Accounts, Principal, Refusal } from '../../../../server/auth/contract'
import { begun, byCookie, byToken, FROM, NOBODY, openAccounts, PASSWORD, withAdmin } from './support'

const HOUR_MS = 3_600_000

/** A site with an operator whose rights are limited. */
async function withOperator(groups: string[] = ['North', 'South']) {
  const site = await withAdmin()
  await site.accounts.add({ name: 'otto', role: 'operator', password: PASSWORD, groups })
  return { ...site, otto: begun(await site.accounts.login('otto', PASSWORD, FROM)) }
}

function made<T extends object>(answer: T | Refusal): T {
  if ('code' in answer) throw new Error(String(answer.code))
  return answer
}

const groupsOf = (principal: Principal | undefined) =>
  principal?.deviceScope?.groups && [...principal.deviceScope.groups]
const byShare = (accounts: Accounts, share: string) => accounts.identify({ ...NOBODY, share })

describe('rights limited to groups', () => {
  it('go with every session, count at once, are kept, and end what is open so that it is opened anew', async () => {
    const { accounts, admin, otto, file, store } = await withOperator()
    expect(otto.principal.deviceScope?.groups).toEqual(new Set(['North', 'South']))
    expect(admin.principal.deviceScope).toBeUndefined()
    const leave = vi.fn()
    accounts.onRevoked(otto.principal, leave)
    await accounts.change('otto', { groups: ['South', 'North', 'North'] })
    expect(leave).not.toHaveBeenCalled()
    await accounts.change('OTTO', { groups: ['South'] })
    expect(leave).toHaveBeenCalledExactlyOnceWith('changed')
    expect(groupsOf(byCookie(accounts, otto.token))).toEqual(['South'])
    expect(accounts.describe(byCookie(accounts, otto.token))).toMatchObject({ groups: ['South'], view: null })
    store.close()
    const { accounts: again } = openAccounts({}, file)
    expect(groupsOf(byCookie(again, otto.token))).toEqual(['South'])
    await again.change('otto', { groups: [] })
    expect(byCookie(again, otto.token)?.deviceScope).toBeUndefined()
  })

  it('are none of an admin', async () => {
    const { accounts, otto } = await withOperator()
    expect(await accounts.add({ name: 'vera', role: 'admin', password: PASSWORD, groups: ['North'] })).toMatchObject({ code: 'admin-limited' })
    expect(await accounts.change('anna', { groups: ['North'] })).toMatchObject({ code: 'admin-limited' })
    expect(await accounts.change('otto', { role: 'admin' })).toBeUndefined()
    expect(byCookie(accounts, otto.token)?.deviceScope).toBeUndefined()
    await accounts.change('otto', { role: 'viewer' })
    expect(accounts.list().find(({ name }) => name === 'otto')).toMatchObject({ groups: [] })
  })

  it('of a token are what both it and its account have', async () => {
    const { accounts, admin, otto } = await withOperator()
    const add = (principal: Principal, groups: string[], role: 'viewer' | 'admin' = 'viewer') => accounts.addToken(principal, { name: 'script', role, days: null, groups })
    expect(await add(otto.principal, ['East'])).toMatchObject({ code: 'groups-too-wide' })
    expect(await add(admin.principal, ['East'], 'admin')).toMatchObject({ code: 'admin-limited' })
    const { token } = made(await add(otto.principal, ['North']))
    const { token: whole } = made(await add(otto.principal, []))
    expect([token, whole].map(each => groupsOf(byToken(accounts, each)))).toEqual([['North'], ['North', 'South']])
    await accounts.change('otto', { groups: ['South'] })
    expect([token, whole].map(each => groupsOf(byToken(accounts, each)))).toEqual([[], ['South']])
  })

  it('name so many groups at most', () => {
    const account = (count: number) => NewAccountSchema.safeParse({ name: 'otto', role: 'viewer', password: PASSWORD, groups: Array.from({ length: count }, (_, n) => `g${n}`) })
    expect([100, 101].map(count => account(count).success)).toEqual([true, false])
  })
})

describe('a share link', () => {
  it('shows its view to whoever has it, as a viewer, and no more than its maker may see by then', async () => {
    const { accounts, otto } = await withOperator()
    const links = { list: '/', group: '/?group=North&q=door', place: '/?group=East&place=Yard', device: '/devices/gate%201?at=2026-01-01T00:00:00Z' }
    const secrets = await Promise.all(Object.values(links).map(async path => made(await accounts.addShare(otto.principal, { path, hours: 1 })).secret))
    const guests = secrets.map(secret => byShare(accounts, secret))
    expect(guests.map(groupsOf)).toEqual([['North', 'South'], ['North'], [], ['North', 'South']])
    expect(guests[2]?.deviceScope?.places).toEqual(new Set(['Yard']))
    expect(guests[3]?.deviceScope?.devices).toEqual(new Set(['gate 1']))
    expect(guests[0]).toMatchObject({ by: 'share', role: 'viewer', name: null })
    expect(accounts.describe(guests[1])).toMatchObject({ by: 'share', name: null, groups: ['North'], view: { path: links.group, expiresAt: '2026-11-24T13:00:00.000Z' } })
    await accounts.change('otto', { groups: ['South'] })
    expect(groupsOf(byShare(accounts, secrets[0] ?? ''))).toEqual(['South'])
  })

  it('of somebody who sees everything is limited all the same', async () => {
    const { accounts, admin } = await withAdmin()
    const { secret } = made(await accounts.addShare(admin.principal, { path: '/', hours: 1 }))
    expect(byShare(accounts, secret)?.deviceScope).toEqual({
      groups: undefined,
      places: undefined,
      devices: undefined,
    })
  })

  it('ends with time, when it is removed, and with the account of its maker; and what is open is told at once', async () => {
    vi.useFakeTimers()
    onTestFinished(() => void vi.useRealTimers())
    const { accounts, admin, otto, clock } = await withOperator()
    accounts.start()
    onTestFinished(accounts.stop)
    const open = async (principal: Principal) => {
      const { secret, id } = made(await accounts.addShare(principal, { path: '/', hours: 1 }))
      const leave = vi.fn()
      accounts.onRevoked(made(accounts.openShare(secret, '192.0.2.1')).principal, leave)
      return { secret, id, leave }
    }
    const shares = [await open(otto.principal), await open(admin.principal), await open(admin.principal)]
    expect(await accounts.removeShare(otto.principal, shares[1]?.id ?? '')).toMatchObject({ code: 'share-unknown' })
    expect(await accounts.removeShare(admin.principal, shares[1]?.id ?? '')).toBeUndefined()
    await accounts.remove('otto')
    expect(shares.map(({ leave }) => leave.mock.calls)).toEqual([[['gone']], [['gone']], []])
    clock.now += HOUR_MS
    expect(byShare(accounts, shares[2]?.secret ?? '')).toBeUndefined()
    vi.advanceTimersByTime(2_000)
    expect(shares[2]?.leave).toHaveBeenCalledExactlyOnceWith('gone')
    for (const { secret } of shares) {
      expect(byShare(accounts, secret)).toBeUndefined()
      expect(accounts.openShare(secret, '192.0.2.1')).toMatchObject({ code: 'share-over' })
    }
  })

  it('gives way to somebody who has signed in', async () => {
    const { accounts, otto } = await withOperator()
    const { secret } = made(await accounts.addShare(otto.principal, { path: '/', hours: 1 }))
    expect(accounts.identify({ ...NOBODY, cookie: otto.token, share: secret })).toMatchObject({ by: 'session' })
    expect(accounts.identify({ ...NOBODY, bearer: 'lst_wrong', share: secret })).toBeUndefined()
  })

  it('is listed for its maker and for admins, and its secret is kept nowhere', async () => {
    const { accounts, admin, otto, clock, file, store } = await withOperator()
    const { secret, id } = made(await accounts.addShare(otto.principal, { path: '/devices/a', hours: 2 }))
    clock.now += 1_000
    made(accounts.openShare(secret, '192.0.2.1'))
    const told = { id, account: 'otto', path: '/devices/a', createdAt: '2026-11-24T12:00:00.000Z', expiresAt: '2026-11-24T14:00:00.000Z', lastUsedAt: '2026-11-24T12:00:01.000Z' }
    expect(accounts.shares(otto.principal)).toEqual([told])
    expect(accounts.shares(admin.principal)).toEqual([told])
    await accounts.add({ name: 'vera', role: 'viewer', password: PASSWORD })
    expect(accounts.shares(begun(await accounts.login('vera', PASSWORD, FROM)).principal)).toEqual([])
    store.close()
    const folder = join(file, '..')
    expect(Buffer.concat(readdirSync(folder).map(name => readFileSync(join(folder, name)))).includes(secret)).toBe(false)
    expect(byShare(openAccounts({}, file).accounts, secret)).toMatchObject({ by: 'share' })
  })

  it('has a limit, of links and of what is noted about one', async () => {
    const { accounts, admin } = await withAdmin()
    const { secret } = made(await accounts.addShare(admin.principal, { path: '/', hours: 1 }))
    const addresses = [...Array.from({ length: 25 }, (_, n) => `192.0.2.${n}`), '192.0.2.0']
    expect(addresses.filter(address => made(accounts.openShare(secret, address)).isNew)).toHaveLength(20)
    for (let i = 1; i < 50; i++) made(await accounts.addShare(admin.principal, { path: '/', hours: 1 }))
    expect(await accounts.addShare(admin.principal, { path: '/', hours: 1 })).toMatchObject({ code: 'shares-full' })
  })

  it.each([['/account', false], ['//evil.example', false], ['/?group=a', true], ['/devices/a/b', false], ['/devices/%E0', false], ['/#x', false], ['/\\evil', false], [`/?q=${'x'.repeat(2_000)}`, false]])('to %s: %s', (path, isTaken) => {
    expect(NewShareSchema.safeParse({ path }).success).toBe(isTaken)
  })

  it('lasts a day unless said otherwise, and a month at most', () => {
    expect(NewShareSchema.parse({ path: '/' })).toEqual({ path: '/', hours: 24 })
    expect([720, 721, 0].map(hours => NewShareSchema.safeParse({ path: '/', hours }).success)).toEqual([true, false, false])
  })
})

describe('somebody from an identity provider', () => {
  const vera = { issuer: 'https://login.example', subject: 's-1', name: 'vera', role: 'operator' } as const

  it('is limited here, whatever role comes from there, and opens anew what shows something else with it', async () => {
    const { accounts } = await withAdmin()
    const { principal, token } = begun(await accounts.loginExternal(vera, FROM))
    expect(principal.deviceScope).toBeUndefined()
    expect(await accounts.change('vera', { groups: ['North'] })).toBeUndefined()
    expect(await accounts.change('vera', { groups: ['North'], role: 'admin' })).toMatchObject({ code: 'account-external' })
    expect(groupsOf(byCookie(accounts, token))).toEqual(['North'])
    const leave = vi.fn()
    accounts.onRevoked(principal, leave)
    begun(await accounts.loginExternal({ ...vera, role: 'admin' }, FROM))
    expect(leave).toHaveBeenCalledExactlyOnceWith('changed')
    expect(byCookie(accounts, token)?.deviceScope).toBeUndefined()
    begun(await accounts.loginExternal(vera, FROM))
    expect(groupsOf(byCookie(accounts, token))).toEqual(['North'])
  })

  it('has links that show nothing as long as they have no role there', async () => {
    const { accounts } = await withAdmin()
    const { principal } = begun(await accounts.loginExternal(vera, FROM))
    const { secret } = made(await accounts.addShare(principal, { path: '/', hours: 1 }))
    const leave = vi.fn()
    accounts.onRevoked(made(accounts.openShare(secret, '192.0.2.1')).principal, leave)
    await accounts.suspend(vera.issuer, vera.subject)
    expect(leave).toHaveBeenCalledExactlyOnceWith('gone')
    expect(accounts.openShare(secret, '192.0.2.1')).toMatchObject({ code: 'share-over' })
    await accounts.loginExternal(vera, FROM)
    made(accounts.openShare(secret, '192.0.2.1'))
  })
})
