import type { MadeShare, NewShare, Share } from '#shared/schemas/access'
import { narrowed } from '#shared/device/device-scope'
import { reachOfView, sharedView } from '#shared/fleet/shared-view'
import type { Attendance } from './revocation-listeners'
import { keyOf, reachOf, removal, shareChange } from './directory'
import type { Book, HeldShare } from './directory'
import type { Guest, Opened, Refusal } from './contract'
import type { Keeping } from './pending-writes'
import { digest, makeId, makeSecret } from './secrets'

const HOUR_MS = 3_600_000
const SECOND_MS = 1_000
const MAX_SHARES = 50
/** Addresses remembered of each link, so that opening it again and again does not fill the audit log. */
const MAX_ADDRESSES = 20

export interface ShareOptions { book: Book, keeping: Keeping, attendance: Attendance, now: () => number }

/** Share links: each shows one view to whoever has it, and at most what its maker may see, for as long as that account is there. */
export function createShares({ book, keeping, attendance, now }: ShareOptions) {
  const openedFrom = new Map<string, Set<string>>()

  function told({ id, account, path, createdAt, expiresAt, usedAt }: HeldShare): Share {
    const iso = (time: number) => new Date(time).toISOString()
    return { id, account: book.people.get(account)?.name ?? account, path, createdAt: iso(createdAt), expiresAt: iso(expiresAt), lastUsedAt: usedAt === null ? null : iso(usedAt) }
  }

  /** Those that the guest has to do with. */
  function seenBy({ name, role }: Guest): [string, HeldShare][] {
    if (role === 'admin') return [...book.shares]
    return name === null ? [] : book.sharesOf(keyOf(name))
  }

  function guestOf(key: string): Guest | undefined {
    const share = book.shares.get(key)
    const maker = share && book.people.get(share.account)
    const view = share && sharedView(share.path)
    if (!share || !maker || maker.isBarred || !view || share.expiresAt <= now()) return undefined
    return { by: 'share', role: 'viewer', name: null, key, reach: narrowed(reachOf(maker), reachOfView(view)), view: { path: share.path, until: share.expiresAt } }
  }

  /** Ends some at once, on disk as soon as that is possible. */
  async function end(keys: readonly string[]) {
    for (const key of keys) {
      book.shares.delete(key)
      openedFrom.delete(key)
    }
    for (const key of keys) attendance.end(key)
    if (keys.length > 0) await keeping.keep(keys.map(key => removal('share', key)))
  }

  function isNewFrom(key: string, address: string): boolean {
    const known = openedFrom.get(key) ?? new Set()
    if (known.has(address) || known.size >= MAX_ADDRESSES) return false
    openedFrom.set(key, known.add(address))
    return true
  }

  return {
    bySecret: (secret: string) => guestOf(digest(secret)),
    isThere: ({ key }: Guest) => book.shares.has(key),
    open(secret: string, address: string): Opened | Refusal {
      const key = digest(secret)
      const share = book.shares.get(key)
      const guest = guestOf(key)
      if (!share || !guest) return { code: 'share-over', message: 'This link has ended, or is not complete.' }
      share.usedAt = now()
      void keeping.keep([{ ...shareChange(key, share), ifThere: true }])
      return { guest, maxAgeSeconds: Math.ceil((share.expiresAt - now()) / SECOND_MS), isNew: isNewFrom(key, address) }
    },
    list: (guest: Guest): Share[] => seenBy(guest).map(([, share]) => told(share)).sort((a, b) => a.createdAt < b.createdAt ? 1 : -1),
    async add({ name }: Guest, { path, hours }: NewShare): Promise<MadeShare | Refusal> {
      const account = keyOf(name ?? '')
      if (book.sharesOf(account).length >= MAX_SHARES) return { code: 'shares-full', message: `An account has at most ${MAX_SHARES} share links: remove one first.` }
      const secret = makeSecret()
      const key = digest(secret)
      const share: HeldShare = { id: makeId(), account, path, createdAt: now(), expiresAt: now() + hours * HOUR_MS, usedAt: null }
      const refusal = await keeping.attempt(async () => {
        await keeping.insist([shareChange(key, share)])
        book.shares.set(key, share)
        return undefined
      })
      return refusal ?? { ...told(share), secret }
    },
    async remove(guest: Guest, id: string): Promise<Refusal | undefined> {
      const found = seenBy(guest).find(([, share]) => share.id === id)
      if (!found) return { code: 'share-unknown', message: 'There is no such link.' }
      const [key] = found
      const refusal = await keeping.attempt(async () => {
        await keeping.insist([removal('share', key)])
        return undefined
      })
      if (!refusal) await end([key])
      return refusal
    },
    endAll: () => end([...book.shares.keys()]),
    endOf: (account: string) => end(book.sharesOf(account).map(([key]) => key)),
    /** Ends what has expired. */
    sweep: () => end([...book.shares].filter(([, { expiresAt }]) => expiresAt <= now()).map(([key]) => key)),
  }
}
