import type { MadeShare, NewShare, Share } from '#shared/schemas/access'
import { narrowed } from '#shared/device/device-scope'
import { scopeOfView, sharedView } from '#shared/fleet/shared-view'
import type { RevocationListeners } from './revocation-listeners'
import { keyOf, deviceScopeOf, removal, shareChange } from './directory'
import type { Directory, HeldShare } from './directory'
import type { Principal, Opened, Refusal } from './contract'
import type { PendingWrites } from './pending-writes'
import { digest, makeId, makeSecret } from './secrets'

const HOUR_MS = 3_600_000
const SECOND_MS = 1_000
const MAX_SHARES = 50
/** Addresses stored per link, so that opening it again and again does not fill the audit log. */
const MAX_ADDRESSES = 20

export interface ShareOptions { directory: Directory, writes: PendingWrites, revocations: RevocationListeners, now: () => number }

/**
 * Share links: each shows one view to its holder, limited to what its maker may see, for as long as that account
 * exists.
 */
export function createShares({ directory, writes, revocations, now }: ShareOptions) {
  const openedFrom = new Map<string, Set<string>>()

  function withoutSecret({ id, account, path, createdAt, expiresAt, usedAt }: HeldShare): Share {
    const iso = (time: number) => new Date(time).toISOString()
    return { id, account: directory.people.get(account)?.name ?? account, path, createdAt: iso(createdAt), expiresAt: iso(expiresAt), lastUsedAt: usedAt === null ? null : iso(usedAt) }
  }

  /** The links that the principal may manage. */
  function seenBy({ name, role }: Principal): [string, HeldShare][] {
    if (role === 'admin') return [...directory.shares]
    return name === null ? [] : directory.sharesOf(keyOf(name))
  }

  function principalOf(key: string): Principal | undefined {
    const share = directory.shares.get(key)
    const maker = share && directory.people.get(share.account)
    const view = share && sharedView(share.path)
    if (!share || !maker || maker.isBarred || !view || share.expiresAt <= now()) return undefined
    return {
      by: 'share',
      role: 'viewer',
      name: null,
      key,
      deviceScope: narrowed(deviceScopeOf(maker), scopeOfView(view)),
      view: { path: share.path, until: share.expiresAt },
    }
  }

  /** Ends some at once, and on disk as soon as possible. */
  async function end(keys: readonly string[]) {
    for (const key of keys) {
      directory.shares.delete(key)
      openedFrom.delete(key)
    }
    for (const key of keys) revocations.end(key)
    if (keys.length > 0) await writes.writeLater(keys.map(key => removal('share', key)))
  }

  function isNewFrom(key: string, address: string): boolean {
    const known = openedFrom.get(key) ?? new Set()
    if (known.has(address) || known.size >= MAX_ADDRESSES) return false
    openedFrom.set(key, known.add(address))
    return true
  }

  return {
    bySecret: (secret: string) => principalOf(digest(secret)),
    isThere: ({ key }: Principal) => directory.shares.has(key),
    open(secret: string, address: string): Opened | Refusal {
      const key = digest(secret)
      const share = directory.shares.get(key)
      const principal = principalOf(key)
      if (!share || !principal) return { code: 'share-over', message: 'This link has ended, or is not complete.' }
      share.usedAt = now()
      void writes.writeLater([{ ...shareChange(key, share), ifThere: true }])
      return { principal, maxAgeSeconds: Math.ceil((share.expiresAt - now()) / SECOND_MS), isNew: isNewFrom(key, address) }
    },
    list: (principal: Principal): Share[] => seenBy(principal).map(([, share]) => withoutSecret(share)).sort((
      a,
      b,
    ) => a.createdAt < b.createdAt ? 1 : -1),
    async add({ name }: Principal, { path, hours }: NewShare): Promise<MadeShare | Refusal> {
      const account = keyOf(name ?? '')
      if (directory.sharesOf(account).length >= MAX_SHARES) return { code: 'shares-full', message: `An account has at most ${MAX_SHARES} share links: remove one first.` }
      const secret = makeSecret()
      const key = digest(secret)
      const share: HeldShare = { id: makeId(), account, path, createdAt: now(), expiresAt: now() + hours * HOUR_MS, usedAt: null }
      const refusal = await writes.attempt(async () => {
        await writes.writeNow([shareChange(key, share)])
        directory.shares.set(key, share)
        return undefined
      })
      return refusal ?? { ...withoutSecret(share), secret }
    },
    async remove(principal: Principal, id: string): Promise<Refusal | undefined> {
      const found = seenBy(principal).find(([, share]) => share.id === id)
      if (!found) return { code: 'share-unknown', message: 'There is no such link.' }
      const [key] = found
      const refusal = await writes.attempt(async () => {
        await writes.writeNow([removal('share', key)])
        return undefined
      })
      if (!refusal) await end([key])
      return refusal
    },
    endAll: () => end([...directory.shares.keys()]),
    endOf: (account: string) => end(directory.sharesOf(account).map(([key]) => key)),
    /** Ends expired links. */
    sweep: () => end([...directory.shares].filter(([, { expiresAt }]) => expiresAt <= now()).map(([key]) => key)),
  }
}
