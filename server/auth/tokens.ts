import type { MadeToken, NewToken, Token } from '#shared/schemas/access'
import { isAllowed } from '#shared/api/access'
import { keyOf, removal, tokenChange } from './directory'
import type { Directory, HeldToken } from './directory'
import type { Principal, Refusal } from './contract'
import type { PendingWrites } from './pending-writes'
import { digest, makeId, makeToken } from './secrets'
import { ADMIN_LIMITED } from './people'
import type { Sessions } from './sessions'

const DAY_MS = 86_400_000
const MAX_TOKENS = 50

export interface TokenOptions { directory: Directory, writes: PendingWrites, sessions: Sessions, now: () => number }

/** API tokens: each belongs to an account and never has more rights than it. */
export function createTokens({ directory, writes, sessions, now }: TokenOptions) {
  function withoutSecret({ account, ...token }: HeldToken): Token {
    const iso = (time: number | null) => time === null ? null : new Date(time).toISOString()
    return {
      id: token.id,
      account: directory.people.get(account)?.name ?? account,
      name: token.name,
      role: token.role,
      groups: token.groups,
      createdAt: new Date(token.createdAt).toISOString(),
      expiresAt: iso(token.expiresAt),
      lastUsedAt: iso(token.usedAt),
    }
  }

  /** The tokens that the principal may manage. */
  function seenBy({ name, role }: Principal): [string, HeldToken][] {
    const all = [...directory.tokens]
    return role === 'admin' ? all : all.filter(([, { account }]) => name !== null && account === keyOf(name))
  }

  return {
    list: (principal: Principal) => seenBy(principal).map(([, token]) => withoutSecret(token)).sort((
      a,
      b,
    ) => a.createdAt < b.createdAt ? 1 : -1),
    async add(principal: Principal, { name, role, days, groups = [] }: NewToken): Promise<MadeToken | Refusal> {
      if (principal.name === null || !isAllowed(principal.role, role)) return { code: 'role-too-high', message: 'A token may at most what its account may.' }
      if (role === 'admin' && groups.length > 0) return ADMIN_LIMITED
      if (principal.deviceScope && groups.some(group => !principal.deviceScope?.groups?.has(group))) return {
        code: 'groups-too-wide',
        message: 'A token may see at most the groups of its account.',
      }
      const account = keyOf(principal.name)
      if (directory.tokensOf(account).length >= MAX_TOKENS) return { code: 'tokens-full', message: `An account has at most ${MAX_TOKENS} tokens: remove one first.` }
      const secret = makeToken()
      const key = digest(secret)
      const token: HeldToken = { id: makeId(), account, name, role, groups: [...new Set(groups)], createdAt: now(), expiresAt: days === null ? null : now() + days * DAY_MS, usedAt: null }
      const refusal = await writes.attempt(async () => {
        await writes.writeNow([tokenChange(key, token)])
        directory.tokens.set(key, token)
        return undefined
      })
      return refusal ?? { ...withoutSecret(token), token: secret }
    },
    async remove(principal: Principal, id: string): Promise<Refusal | undefined> {
      const found = seenBy(principal).find(([, token]) => token.id === id)
      if (!found) return { code: 'token-unknown', message: 'There is no such token.' }
      const [key] = found
      const refusal = await writes.attempt(async () => {
        await writes.writeNow([removal('token', key)])
        return undefined
      })
      if (!refusal) await sessions.end([key])
      return refusal
    },
  }
}
