// Owns access: accounts, sessions, tokens, and the audit log. Promises that no password or token can be read from what
// it stores, that access which ends ends at once, and that everything has a limit. Never knows a route or a header.
import type { AccountChange } from '#shared/schemas/access'
import { scopeKey } from '#shared/device/device-scope'
import { createRevocationListeners } from './revocation-listeners'
import { createAudit } from './audit'
import { createDirectory, keyOf, deviceScopeOf } from './directory'
import type { Person } from './directory'
import type { AccountOptions, Accounts, Principal, Refusal } from './contract'
import { createPendingWrites } from './pending-writes'
import { createPasswords } from './passwords'
import { BUSY, createPeople, EXTERNAL, unknownAccount } from './people'
import { LOST, MACHINE_ONLY, UNREAD } from './errors'
import { isCode, isSame, makeCode, makeSecret } from './secrets'
import { createSessions } from './sessions'
import { createShares } from './shares'
import { createThrottle } from './throttle'
import { createTokens } from './tokens'

const SWEEP_MS = 2_000
const STORE_USE_MS = 60_000
/** For the first account: guessing the code counts like guessing a password. */
const FIRST = ''

const MACHINE: Principal = { by: 'machine', role: 'admin', name: null, key: 'machine', deviceScope: undefined }
const OPEN: Principal = { by: 'open', role: 'admin', name: null, key: 'open', deviceScope: undefined }

export function createAccounts(options: AccountOptions): Accounts {
  const { store, marker, isOpen, sessionDays, maxAccounts, maxAuditEntries, provider = null, hashCost, auditId, onNone, now = Date.now } = options
  const directory = createDirectory()
  const writes = createPendingWrites(store)
  const revocations = createRevocationListeners()
  const passwords = createPasswords(hashCost)
  const throttle = createThrottle(now)
  const noted = createThrottle(now)
  const sessions = createSessions({ directory, writes, revocations, days: sessionDays, now })
  const people = createPeople({ directory, writes, marker, passwords, sessions, max: maxAccounts, now })
  const tokens = createTokens({ directory, writes, sessions, now })
  const shares = createShares({ directory, writes, revocations, now })
  const audit = createAudit({ store, writes, max: maxAuditEntries, now, ...(auditId && { nextId: auditId }) })
  let firstCode = makeCode()
  const masterKey = makeSecret()
  const logins = { failed: 0, refused: 0, provider: 0 }
  const timers: NodeJS.Timeout[] = []
  let state: ReturnType<Accounts['state']> = 'unread'

  function withoutAccount(isLocal: boolean): Principal | undefined {
    if (state === 'some' || isClosed()) return undefined
    // While nothing can be stored, a user at this machine may look; writing is impossible then anyway.
    if (isLocal) return MACHINE
    return isOpen && state === 'none' ? OPEN : undefined
  }

  /** In doubt there are accounts that cannot be read. */
  function isClosed(): boolean {
    return state === 'lost' || (state === 'unread' && marker.before() === 'some')
  }

  /** The state after the store was read. */
  function found(unreadable: number): typeof state {
    if (directory.people.size > 0) return 'some'
    // What cannot be read may be an account, and the remains of one are evidence of it.
    return unreadable > 0 || directory.hasTraces() || marker.says(store) === 'some' ? 'lost' : 'none'
  }

  function enterState(next: typeof state) {
    state = next
    if (state === 'none') onNone?.()
    if (state !== 'unread') marker.note(state === 'none' ? 'none' : 'some')
    if (state !== 'none') for (const { key } of [MACHINE, OPEN]) revocations.end(key)
  }

  /** Counts an attempt; returns a refusal when there were too many. */
  function tooOften(name: string, address: string): Refusal | undefined {
    const retryAfter = throttle.attempt(name, address)
    if (retryAfter === 0) return undefined
    logins.refused++
    return { code: 'login-too-often', message: `There were too many wrong attempts: try again in ${Math.ceil(retryAfter / 60)} minutes.`, retryAfter }
  }

  const isExternal = (name: string | null) => name !== null && directory.find(name)?.provider !== undefined

  async function check(name: string, password: string, address: string, wrong: Refusal): Promise<Person | Refusal> {
    const key = keyOf(name)
    const refusal = tooOften(key, address)
    if (refusal) return refusal
    const person = directory.people.get(key)
    const isRight = await passwords.verify(password, person?.hash)
    if (isRight !== false) throttle.forgive(key, address)
    if (isRight === undefined) return BUSY
    // It may have been changed or removed during the check.
    if (isRight && person && directory.people.get(key)?.hash === person.hash) return person
    logins.failed++
    return wrong
  }

  async function add(account: Parameters<Accounts['add']>[0]): Promise<Person | Refusal> {
    // There may be other accounts, which it would hide.
    if (state === 'unread') return UNREAD
    if (state === 'lost') await dropLeftovers()
    return madeWithDoor(await people.add(account))
  }

  /** A new account with the name of a lost one does not get the lost one's data. */
  async function dropLeftovers() {
    await sessions.end([...directory.sessions.keys(), ...directory.tokens.keys()])
    await shares.endAll()
  }

  function rightsOf(key: string): string | undefined {
    const person = directory.people.get(key)
    return person && JSON.stringify([scopeKey(deviceScopeOf(person)), person.role, person.isBarred])
  }

  function madeWithDoor(made: Person | Refusal): Person | Refusal {
    // Once there is an account, users who came in without one must sign in.
    if (!('code' in made) && state !== 'some') enterState('some')
    return made
  }

  /** Open streams of an account are reopened when its rights change. */
  function notifyRightsChanged(account: string) {
    for (const [key] of [...directory.sessionsOf(account), ...directory.tokensOf(account), ...directory.sharesOf(account)]) revocations.end(key, 'changed')
  }

  async function change(name: string, wanted: AccountChange): Promise<Refusal | undefined> {
    const scopeNow = () => {
      const person = directory.find(name)
      return person && scopeKey(deviceScopeOf(person))
    }
    const before = scopeNow()
    const refusal = await people.change(name, wanted)
    if (!refusal && scopeNow() !== before) notifyRightsChanged(keyOf(name))
    return refusal
  }

  return {
    load() {
      const unreadable = directory.load(writes)
      audit.reset()
      enterState(found(unreadable))
      // From a version that did not store the marker.
      if (state === 'some' && !marker.isStored(store)) void writes.writeLater([marker.change('some')])
      return { unreadable }
    },
    follow(kind, name, body) {
      if (audit.follow(kind, name, body)) return true
      if (marker.isOurs(kind)) {
        if (directory.people.size === 0) enterState(found(0))
        return true
      }
      const before = rightsOf(name)
      if (!directory.follow(kind, name, body)) return false
      if (directory.people.size > 0 && state !== 'some') enterState('some')
      if (kind === 'account' && rightsOf(name) !== before) notifyRightsChanged(name)
      if (body === undefined) revocations.end(name)
      return true
    },
    useCode(code) {
      firstCode = code
    },
    start() {
      timers.push(
        setInterval(sessions.sweep, SWEEP_MS),
        setInterval(shares.sweep, SWEEP_MS),
        setInterval(sessions.storeLastUse, STORE_USE_MS),
      )
      for (const timer of timers) timer.unref()
    },
    stop() {
      for (const timer of timers.splice(0)) clearInterval(timer)
    },
    identify({ cookie, share, bearer, isLocal }) {
      if (bearer !== undefined) return isLocal && isSame(bearer, masterKey) ? MACHINE : sessions.byToken(bearer)
      return (cookie !== undefined ? sessions.bySession(cookie) : undefined) ?? (share !== undefined ? shares.bySecret(share) : undefined) ?? withoutAccount(isLocal)
    },
    state: () => state,
    isClosed,
    firstCode: () => firstCode,
    masterKey: () => masterKey,
    describe: principal => ({
      by: principal?.by ?? 'nobody',
      name: principal?.name ?? null,
      role: principal?.role ?? null,
      groups: principal?.deviceScope?.groups ? [...principal.deviceScope.groups] : null,
      view: principal?.view ? { path: principal.view.path, expiresAt: new Date(principal.view.until).toISOString() } : null,
      isFirst: state === 'none',
      isClosed: isClosed(),
      provider,
      isExternal: isExternal(principal?.name ?? null),
    }),
    onRevoked(principal, leave) {
      const stop = revocations.add(principal.key, leave)
      // It may have ended since the principal came in.
      const isOver = principal.by === 'share' ? !shares.isThere(principal) : principal.name !== null && !sessions.isThere(principal)
      if (isOver) revocations.end(principal.key)
      return stop
    },

    async login(name, password, origin) {
      if (isClosed()) return state === 'lost' ? LOST : UNREAD
      const found = await check(name, password, origin.address, { code: 'login-wrong', message: 'The name or the password is wrong.' })
      return 'code' in found ? found : sessions.begin(found, origin)
    },
    async loginExternal(person, origin) {
      if (state === 'unread') return UNREAD
      if (state === 'lost') return LOST
      const known = directory.findExternal(person.issuer, person.subject)
      const found = madeWithDoor(await people.welcome(person))
      if ('code' in found) return found
      // Another role may see other devices, also in sessions that are open already.
      const hasNewScope = known && scopeKey(deviceScopeOf(known)) !== scopeKey(deviceScopeOf(found))
      if (hasNewScope) notifyRightsChanged(keyOf(found.name))
      return sessions.begin(found, origin)
    },
    async suspend(issuer, subject) {
      await people.suspend(issuer, subject)
      const person = directory.findExternal(issuer, subject)
      for (const [key] of person ? directory.sharesOf(keyOf(person.name)) : []) revocations.end(key)
    },
    countExternal(reason, address) {
      logins.provider++
      return noted.attempt(reason, address) === 0
    },
    logout: principal => principal.by === 'session' ? sessions.end([principal.key]) : Promise.resolve(),
    logoutAll: name => sessions.endAll(keyOf(name)),
    async changePassword({ name }, current, password, origin) {
      if (name === null) return unknownAccount('')
      if (isExternal(name)) return EXTERNAL
      const person = await check(name, current, origin.address, { code: 'password-wrong', message: 'The current password is wrong.' })
      if ('code' in person) return person
      return await people.change(name, { password }) ?? sessions.begin(person, origin)
    },
    sessions: sessions.list,

    async addFirst({ name, password }, code, origin) {
      if (state === 'unread') return UNREAD
      if (state === 'lost') return LOST
      if (state === 'some') return { code: 'not-first', message: 'There is an account already: sign in, and make others there.' }
      const refusal = tooOften(FIRST, origin.address)
      if (refusal) return refusal
      if (code !== null && !isCode(code, firstCode)) {
        logins.failed++
        return { code: 'code-wrong', message: 'The code is wrong. It stands in the application’s log, and is another one after each start.' }
      }
      throttle.forgive(FIRST, origin.address)
      const made = await add({ name, password, role: 'admin' })
      return 'code' in made ? made : sessions.begin(made, origin)
    },
    list: people.list,
    nameOf: name => directory.find(name)?.name,
    async add(account) {
      const made = await add(account)
      return 'code' in made ? made : undefined
    },
    change,
    async remove(name) {
      const refusal = await people.remove(name)
      if (!refusal) await shares.endOf(keyOf(name))
      return refusal
    },
    async giveUp({ by }) {
      if (by !== 'machine') return MACHINE_ONLY
      if (state === 'unread') return UNREAD
      const open = [...directory.sessions.keys(), ...directory.tokens.keys(), ...directory.shares.keys()]
      const refusal = await writes.attempt(async () => {
        await writes.writeNow([...directory.removals(writes), marker.change('none')])
        directory.clear()
        return undefined
      })
      if (refusal) return refusal
      for (const key of open) revocations.end(key)
      enterState('none')
      return undefined
    },

    tokens: tokens.list,
    addToken: tokens.add,
    removeToken: tokens.remove,
    shares: shares.list,
    addShare: shares.add,
    removeShare: shares.remove,
    openShare: shares.open,
    note: audit.note,
    audit: (limit, before) => ({ ...audit.read(limit, before), logins: { ...logins } }),
    logins: () => ({ ...logins }),
  }
}
