import { z } from 'zod'
import { RoleSchema } from '#shared/schemas/access'
import type { Role } from '#shared/api/access'
import { readJson } from '#shared/text/json'
import { scopeOfGroups } from '#shared/device/device-scope'
import type { DeviceScope } from '#shared/device/device-scope'
import type { StoreChange } from './contract'
import type { PendingWrites } from './pending-writes'

const KIND = { account: 'account', session: 'session', token: 'token', share: 'share' } as const

const time = z.number().int()
/** Accounts from before there were groups: no limit. */
const groups = z.array(z.string()).default([])
const PersonSchema = z.object({
  name: z.string(),
  role: RoleSchema,
  groups,
  createdAt: time,
  /** Of the password; missing if `provider` authenticates the user. */
  hash: z.string().optional(),
  provider: z.object({ issuer: z.string(), subject: z.string() }).optional(),
  /** The provider last gave it no role. */
  isBarred: z.boolean().optional(),
})
export type Person = z.infer<typeof PersonSchema>

/** `account`: its key, see {@link keyOf}. Times are milliseconds since 1970. */
const held = { id: z.string(), account: z.string(), createdAt: time }
const HeldSessionSchema = z.object({ ...held, usedAt: time, expiresAt: time, address: z.string(), agent: z.string() })
const HeldTokenSchema = z.object({ ...held, usedAt: time.nullable(), expiresAt: time.nullable(), name: z.string(), role: RoleSchema, groups })
const HeldShareSchema = z.object({ ...held, usedAt: time.nullable(), expiresAt: time, path: z.string() })
export type HeldSession = z.infer<typeof HeldSessionSchema>
export type HeldToken = z.infer<typeof HeldTokenSchema>
export type HeldShare = z.infer<typeof HeldShareSchema>

/** Everything in memory: accounts by key; sessions, tokens and share links by the digest of their secret. */
export function createDirectory() {
  const people = new Map<string, Person>()
  const sessions = new Map<string, HeldSession>()
  const tokens = new Map<string, HeldToken>()
  const shares = new Map<string, HeldShare>()

  function clear() {
    for (const map of [people, sessions, tokens, shares]) map.clear()
  }

  return {
    people,
    sessions,
    tokens,
    shares,
    find: (name: string): Person | undefined => people.get(keyOf(name)),
    findExternal: (issuer: string, subject: string): Person | undefined =>
      [...people.values()].find(({ provider }) => provider?.issuer === issuer && provider.subject === subject),
    sessionsOf: (account: string) => [...sessions].filter(([, session]) => session.account === account),
    tokensOf: (account: string) => [...tokens].filter(([, token]) => token.account === account),
    sharesOf: (account: string) => [...shares].filter(([, share]) => share.account === account),
    admins: () => [...people.values()].filter(({ role, isBarred }) => role === 'admin' && !isBarred).length,
    /** Takes the present content of a document, or its deletion; returns whether it belongs here. */
    follow(kind: string, name: string, body: string | undefined): boolean {
      const take = <T extends z.ZodType>(map: Map<string, z.output<T>>, schema: T) => {
        const { data } = schema.safeParse(body === undefined ? undefined : readJson(body))
        if (data === undefined) map.delete(name)
        else map.set(name, data)
      }
      if (kind === KIND.account) take(people, PersonSchema)
      else if (kind === KIND.session) take(sessions, HeldSessionSchema)
      else if (kind === KIND.token) take(tokens, HeldTokenSchema)
      else if (kind === KIND.share) take(shares, HeldShareSchema)
      else return false
      return true
    },
    /** Some stored document belongs to accounts. */
    hasTraces: () => sessions.size + tokens.size + shares.size > 0,
    /** The changes that give up everything, also what cannot be read. */
    removals: (writes: PendingWrites): StoreChange[] => Object.values(KIND).flatMap(kind => writes.names(kind).map(name => removal(kind, name))),
    clear,
    /** Reads everything; returns how many documents this version cannot read. */
    load(writes: PendingWrites): number {
      const read = <T extends z.ZodType>(kind: string, schema: T, take: (name: string, value: z.output<T>) => void) => {
        const { values, unreadable } = writes.read(kind, schema)
        for (const { name, value } of values) take(name, value)
        return unreadable
      }
      clear()
      return read(KIND.account, PersonSchema, (name, person) => people.set(name, person))
        + read(KIND.session, HeldSessionSchema, (name, session) => sessions.set(name, session))
        + read(KIND.token, HeldTokenSchema, (name, token) => tokens.set(name, token))
        + read(KIND.share, HeldShareSchema, (name, share) => shares.set(name, share))
    },
  }
}
export type Directory = ReturnType<typeof createDirectory>

/** Two names that differ only in case are one account. */
export function keyOf(name: string): string {
  return name.trim().normalize('NFC').toLowerCase()
}

/** A token may use the lesser of its own and its account's role. */
export function lesser(a: Role, b: Role): Role {
  const order = RoleSchema.options
  return order[Math.min(order.indexOf(a), order.indexOf(b))] ?? 'viewer'
}

/** The device scope of an account. */
export function deviceScopeOf({ role, groups }: Pick<Person, 'role' | 'groups'>): DeviceScope | undefined {
  return role === 'admin' ? undefined : scopeOfGroups(groups)
}

export function personChange(person: Person): StoreChange {
  return { kind: KIND.account, name: keyOf(person.name), body: JSON.stringify(person) }
}

export function sessionChange(secretDigest: string, session: HeldSession): StoreChange {
  return { kind: KIND.session, name: secretDigest, body: JSON.stringify(session) }
}

export function tokenChange(secretDigest: string, token: HeldToken): StoreChange {
  return { kind: KIND.token, name: secretDigest, body: JSON.stringify(token) }
}

export function shareChange(secretDigest: string, share: HeldShare): StoreChange {
  return { kind: KIND.share, name: secretDigest, body: JSON.stringify(share) }
}

export function removal(kind: keyof typeof KIND, name: string): StoreChange {
  return { kind: KIND[kind], name, body: null }
}
