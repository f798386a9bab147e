import type { MadeToken, NewToken, Token } from '#shared/schemas/access'
import { isAllowed } from '#shared/api/access'
import { keyOf, removal, tokenChange } from './directory'
import type { Book, HeldToken } from './directory'
import type { Guest, Refusal } from './contract'
import type { Keeping } from './pending-writes'
import { digest, makeId, makeToken } from './secrets'
import { ADMIN_LIMITED } from './people'
import type { Sessions } from './sessions'

const DAY_MS = 86_400_000
const MAX_TOKENS = 50

export interface TokenOptions { book: Book, keeping: Keeping, sessions: Sessions, now: () => number }

/** API tokens: each belongs to an account and may at most what that may. */
export function createTokens({ book, keeping, sessions, now }: TokenOptions) {
  function told({ account, ...token }: HeldToken): Token {
    const iso = (time: number | null) => time === null ? null : new Date(time).toISOString()
    return {
      id: token.id,
      account: book.people.get(account)?.name ?? account,
      name: token.name,
      role: token.role,
      groups: token.groups,
      createdAt: new Date(token.createdAt).toISOString(),
      expiresAt: iso(token.expiresAt),
      lastUsedAt: iso(token.usedAt),
    }
  }

  /** Those that the guest has to do with. */
  function seenBy({ name, role }: Guest): [string, HeldToken][] {
    const all = [...book.tokens]
    return role === 'admin' ? all : all.filter(([, { account }]) => name !== null && account === keyOf(name))
  }

  return {
    list: (guest: Guest) => seenBy(guest).map(([, token]) => told(token)).sort((a, b) => a.createdAt < b.createdAt ? 1 : -1),
    async add(guest: Guest, { name, role, days, groups = [] }: NewToken): Promise<MadeToken | Refusal> {
      if (guest.name === null || !isAllowed(guest.role, role)) return { code: 'role-too-high', message: 'A token may at most what its account may.' }
      if (role === 'admin' && groups.length > 0) return ADMIN_LIMITED
      if (guest.reach && groups.some(group => !guest.reach?.groups?.has(group))) return { code: 'groups-too-wide', message: 'A token may see at most the groups of its account.' }
      const account = keyOf(guest.name)
      if (book.tokensOf(account).length >= MAX_TOKENS) return { code: 'tokens-full', message: `An account has at most ${MAX_TOKENS} tokens: remove one first.` }
      const secret = makeToken()
      const key = digest(secret)
      const token: HeldToken = { id: makeId(), account, name, role, groups: [...new Set(groups)], createdAt: now(), expiresAt: days === null ? null : now() + days * DAY_MS, usedAt: null }
      const refusal = await keeping.attempt(async () => {
        await keeping.insist([tokenChange(key, token)])
        book.tokens.set(key, token)
        return undefined
      })
      return refusal ?? { ...told(token), token: secret }
    },
    async remove(guest: Guest, id: string): Promise<Refusal | undefined> {
      const found = seenBy(guest).find(([, token]) => token.id === id)
      if (!found) return { code: 'token-unknown', message: 'There is no such token.' }
      const [key] = found
      const refusal = await keeping.attempt(async () => {
        await keeping.insist([removal('token', key)])
        return undefined
      })
      if (!refusal) await sessions.end([key])
      return refusal
    },
  }
}
