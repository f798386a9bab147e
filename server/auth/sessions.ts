import type { SignedIn } from '#shared/schemas/access'
import { narrowed, scopeOfGroups } from '#shared/device/device-scope'
import type { RevocationListeners } from './revocation-listeners'
import { keyOf, lesser, deviceScopeOf, removal, sessionChange, tokenChange } from './directory'
import type { Directory, HeldSession, Person } from './directory'
import type { NewSession, Principal, Origin, StoreChange } from './contract'
import type { PendingWrites } from './pending-writes'
import { digest, makeId, makeSecret } from './secrets'

const DAY_MS = 86_400_000
/** Sessions of one account; one more ends the one that was unused for longest. */
const MAX_SESSIONS = 50
const MAX_AGENT_LENGTH = 200

export interface SessionOptions { directory: Directory, writes: PendingWrites, revocations: RevocationListeners, days: number, now: () => number }

/** Sessions and tokens of requests: whose they are, until when, and what happens when they end. */
export function createSessions({ directory, writes, revocations, days, now }: SessionOptions) {
  /** Digests of sessions and tokens whose last use is newer than on disk. */
  const used = new Set<string>()

  /** Ends some at once, and on disk as soon as possible. */
  async function end(digests: readonly string[]) {
    for (const name of digests) {
      directory.sessions.delete(name)
      directory.tokens.delete(name)
      used.delete(name)
    }
    for (const name of digests) revocations.end(name)
    if (digests.length > 0) await writes.writeLater(digests.flatMap((name): StoreChange[] => [removal(
      'session',
      name,
    ), removal('token', name)]))
  }

  function fromSession(name: string): Principal | undefined {
    const session = directory.sessions.get(name)
    const person = session && directory.people.get(session.account)
    if (!session || !person || person.isBarred || session.expiresAt <= now()) return undefined
    session.usedAt = now()
    used.add(name)
    return { by: 'session', role: person.role, name: person.name, key: name, deviceScope: deviceScopeOf(person) }
  }

  function fromToken(name: string): Principal | undefined {
    const token = directory.tokens.get(name)
    const person = token && directory.people.get(token.account)
    if (!token || !person || person.isBarred || (token.expiresAt !== null && token.expiresAt <= now())) return undefined
    token.usedAt = now()
    used.add(name)
    return {
      by: 'token',
      role: lesser(person.role, token.role),
      name: person.name,
      key: name,
      deviceScope: narrowed(deviceScopeOf(person), scopeOfGroups(token.groups)),
    }
  }

  return {
    end,
    /** Their open streams end; the sessions continue. */
    closeStreams(digests: readonly string[]) {
      for (const name of digests) revocations.end(name)
    },
    bySession: (secret: string) => fromSession(digest(secret)),
    byToken: (secret: string) => fromToken(digest(secret)),
    isThere: ({ key }: Principal) => directory.sessions.has(key) || directory.tokens.has(key),
    /** Always a new secret: one from before the sign-in is worthless. */
    async begin(person: Person, { address, agent }: Origin): Promise<NewSession> {
      const account = keyOf(person.name)
      const others = directory.sessionsOf(account).sort(([, a], [, b]) => a.usedAt - b.usedAt)
      await end(others.slice(0, Math.max(0, others.length - MAX_SESSIONS + 1)).map(([name]) => name))
      const token = makeSecret()
      const key = digest(token)
      const session: HeldSession = { id: makeId(), account, createdAt: now(), usedAt: now(), expiresAt: now() + days * DAY_MS, address, agent: agent.slice(0, MAX_AGENT_LENGTH) }
      directory.sessions.set(key, session)
      await writes.writeLater([sessionChange(key, session)])
      return {
        principal: { by: 'session', role: person.role, name: person.name, key, deviceScope: deviceScopeOf(person) },
        token,
        maxAgeSeconds: days * DAY_MS / 1_000,
      }
    },
    endAll: (account: string) => end(directory.sessionsOf(account).map(([name]) => name)),
    list: ({ name, key }: Principal): SignedIn[] => name === null
      ? []
      : directory.sessionsOf(keyOf(name)).filter(([, { expiresAt }]) => expiresAt > now()).sort(([, a], [, b]) => b.usedAt - a.usedAt).map(([at, session]) => ({
          id: session.id,
          isThis: at === key,
          address: session.address,
          agent: session.agent,
          createdAt: new Date(session.createdAt).toISOString(),
          lastUsedAt: new Date(session.usedAt).toISOString(),
          expiresAt: new Date(session.expiresAt).toISOString(),
        })),
    /** Ends expired sessions. */
    sweep() {
      const isOver = ([, { expiresAt }]: [string, { expiresAt: number | null }]) => expiresAt !== null && expiresAt <= now()
      void end([...[...directory.sessions].filter(isOver), ...[...directory.tokens].filter(isOver)].map(([name]) => name))
    },
    /** Stores when each was last used. */
    storeLastUse() {
      const changes = [...used].flatMap((name): StoreChange[] => {
        const session = directory.sessions.get(name)
        const token = directory.tokens.get(name)
        // A session that has ended elsewhere stays ended.
        return session ? [{ ...sessionChange(name, session), ifThere: true }] : token ? [{ ...tokenChange(name, token), ifThere: true }] : []
      })
      used.clear()
      if (changes.length > 0) void writes.writeLater(changes)
    },
  }
}
export type Sessions = ReturnType<typeof createSessions>
