import { MAX_ACCOUNT_NAME_LENGTH } from '#shared/schemas/access'
import type { Account, AccountChange, NewAccount } from '#shared/schemas/access'
import { keyOf, personChange, removal } from './directory'
import type { Directory, Person } from './directory'
import type { External, Refusal, AccountsMarker } from './contract'
import type { PendingWrites } from './pending-writes'
import type { Passwords } from './passwords'
import type { Sessions } from './sessions'

/** Room for a number after a name that is taken. */
const SUFFIX_LENGTH = 8

export const BUSY: Refusal = { code: 'login-busy', message: 'Too many people are signing in at this moment: try again in a few seconds.', retryAfter: 5 }
export const EXTERNAL: Refusal = { code: 'account-external', message: 'The account comes from the identity provider: its role and password are decided there.' }
const LAST_ADMIN: Refusal = {
  code: 'last-admin',
  message: 'This is the last admin: an admin must remain to create accounts.',
}

export const ADMIN_LIMITED: Refusal = { code: 'admin-limited', message: 'An admin decides what everybody may see, and so sees all groups: take another role, or name no groups.' }
export interface PeopleOptions { directory: Directory, writes: PendingWrites, marker: AccountsMarker, passwords: Passwords, sessions: Sessions, max: number, now: () => number }

/** The accounts: created, changed and removed, and never without an admin. */
export function createPeople({ directory, writes, marker, passwords, sessions, max, now }: PeopleOptions) {
  /** Why an account cannot be created. */
  function refusalOf({ name, role, groups }: Person): Refusal | undefined {
    if (role === 'admin' && groups.length > 0) return ADMIN_LIMITED
    if (directory.find(name)) return { code: 'account-exists', message: `There is an account “${name}” already.` }
    if (directory.people.size >= max) return { code: 'accounts-full', message: `There are ${max} accounts already; NUXT_LIMITS_ACCOUNTS allows more.` }
    if (directory.people.size === 0 && role !== 'admin') return {
      code: 'last-admin',
      message: 'The first account has to be an admin: an admin is needed to create others.',
    }
    return undefined
  }

  /** The first account also writes the marker that accounts exist. */
  const firstOf = () => directory.people.size === 0 ? [marker.change('some')] : []

  const isLastAdmin = ({ role, isBarred }: Person) => role === 'admin' && !isBarred && directory.admins() === 1

  /** Nobody gets another user's account through a similar name. */
  function freeName(name: string): string {
    if (!directory.find(name)) return name
    for (let i = 2; ; i++) {
      const other = `${name.slice(0, MAX_ACCOUNT_NAME_LENGTH - SUFFIX_LENGTH)}-${i}`
      if (!directory.find(other)) return other
    }
  }

  return {
    list: () => [...directory.people].sort(([a], [b]) => a < b ? -1 : 1).map(([key, { name, role, groups, createdAt, provider, isBarred }]): Account => {
      const uses = directory.sessionsOf(key).map(([, { usedAt }]) => usedAt)
      return {
        name,
        role,
        groups,
        issuer: provider?.issuer ?? null,
        isBarred: isBarred ?? false,
        createdAt: new Date(createdAt).toISOString(),
        lastUsedAt: uses.length > 0 ? new Date(Math.max(...uses)).toISOString() : null,
        sessions: uses.length,
        tokens: directory.tokensOf(key).length,
      }
    }),
    async add({ name, role, password, groups = [] }: NewAccount): Promise<Person | Refusal> {
      const hash = await passwords.hash(password)
      if (hash === undefined) return BUSY
      const person: Person = { name, role, groups: [...new Set(groups)], hash, createdAt: now() }
      return await writes.attempt(async () => {
        const refusal = refusalOf(person)
        if (refusal) return refusal
        await writes.writeNow([personChange(person), ...firstOf()])
        directory.people.set(keyOf(name), person)
        return undefined
      }) ?? person
    },
    /** Creates the account of a user of the provider, or updates its role. */
    async welcome({ issuer, subject, name, role }: External): Promise<Person | Refusal> {
      let person: Person = { name, role, groups: [], createdAt: now(), provider: { issuer, subject } }
      return await writes.attempt(async () => {
        const known = directory.findExternal(issuer, subject)
        person = known ? { ...known, role, isBarred: false } : { ...person, name: freeName(name) }
        const refusal = known ? undefined : refusalOf(person)
        if (refusal) return refusal
        if (known && known.role === role && !known.isBarred) return undefined
        await writes.writeNow([personChange(person), ...firstOf()])
        directory.people.set(keyOf(person.name), person)
        return undefined
      }) ?? person
    },
    /** Suspends a user that has no role at the provider any more, until the provider gives it one again. */
    async suspend(issuer: string, subject: string): Promise<void> {
      const person = directory.findExternal(issuer, subject)
      if (!person) return
      const key = keyOf(person.name)
      const suspended = { ...person, isBarred: true }
      directory.people.set(key, suspended)
      await writes.writeLater([personChange(suspended)])
      await sessions.endAll(key)
      sessions.closeStreams(directory.tokensOf(key).map(([digest]) => digest))
    },
    async change(name: string, { role, password, groups }: AccountChange): Promise<Refusal | undefined> {
      const hash = password === undefined ? undefined : await passwords.hash(password)
      if (password !== undefined && hash === undefined) return BUSY
      const refusal = await writes.attempt(async () => {
        const person = directory.find(name)
        if (!person) return unknownAccount(name)
        // Its device scope is decided here.
        if (person.provider && (role !== undefined || password !== undefined)) return EXTERNAL
        if (role !== undefined && role !== 'admin' && isLastAdmin(person)) return LAST_ADMIN
        const next: Person = { ...person, role: role ?? person.role, hash: hash ?? person.hash }
        if (next.role === 'admin' && groups && groups.length > 0) return ADMIN_LIMITED
        next.groups = next.role === 'admin' ? [] : [...new Set(groups ?? person.groups)]
        await writes.writeNow([personChange(next)])
        directory.people.set(keyOf(name), next)
        return undefined
      })
      // A new password ends all sessions: others may have known the old one.
      if (!refusal && hash !== undefined) await sessions.endAll(keyOf(name))
      return refusal
    },
    async remove(name: string): Promise<Refusal | undefined> {
      const key = keyOf(name)
      const refusal = await writes.attempt(async () => {
        const person = directory.people.get(key)
        if (!person) return unknownAccount(name)
        if (isLastAdmin(person)) return LAST_ADMIN
        await writes.writeNow([removal('account', key)])
        directory.people.delete(key)
        return undefined
      })
      if (!refusal) await sessions.end([...directory.sessionsOf(key), ...directory.tokensOf(key)].map(([digest]) => digest))
      return refusal
    },
  }
}

export function unknownAccount(name: string): Refusal {
  return { code: 'account-unknown', message: `There is no account “${name.slice(0, 64)}”.` }
}
