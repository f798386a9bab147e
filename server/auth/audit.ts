import { AuditEntrySchema } from '#shared/schemas/access'
import type { AuditEntry } from '#shared/schemas/access'
import type { AccountStore, StoreChange } from './contract'
import type { PendingWrites } from './pending-writes'

const KIND = 'audit'
const DIGITS = 12

export interface AuditOptions {
  store: AccountStore
  writes: PendingWrites
  max: number
  now: () => number
  nextId?: (last: number) => number
}

/** The audit log: on disk only, read on demand; beyond `max` the oldest entries are deleted. */
export function createAudit({ store, writes, max, now, nextId = last => last + 1 }: AuditOptions) {
  // Ids on disk, oldest first; known from the first entry of this start on.
  let ids: number[] | undefined

  function known(): number[] {
    return ids ??= store.all(KIND).map(({ name }) => Number(name)).filter(Number.isSafeInteger).sort((a, b) => a - b)
  }

  return {
    /** The store was reopened. */
    reset() {
      ids = undefined
    },
    /** An entry was written or deleted elsewhere; returns whether it is one. */
    follow(kind: string, name: string, body: string | undefined): boolean {
      if (kind !== KIND) return false
      const id = Number(name)
      if (body === undefined) ids = ids?.filter(held => held !== id)
      else if (ids && !ids.includes(id)) ids = [...ids, id].sort((a, b) => a - b)
      return true
    },
    note(entry: Omit<AuditEntry, 'id' | 'at'>) {
      const held = known()
      const id = nextId(held.at(-1) ?? 0)
      held.push(id)
      const body = JSON.stringify({ ...entry, id, at: new Date(now()).toISOString() } satisfies AuditEntry)
      const gone = held.splice(0, Math.max(0, held.length - max)).map((old): StoreChange => ({ kind: KIND, name: nameOf(old), body: null }))
      void writes.writeLater([{ kind: KIND, name: nameOf(id), body }, ...gone])
    },
    /** Newest first. */
    read(limit: number, before = Infinity) {
      const entries = writes.read(KIND, AuditEntrySchema).values.map(({ value }) => value).filter(({ id }) => id < before).sort((a, b) => b.id - a.id)
      const page = entries.slice(0, limit)
      return { entries: page, next: entries.length > page.length ? page.at(-1)?.id ?? null : null }
    },
  }
}

function nameOf(id: number): string {
  return String(id).padStart(DIGITS, '0')
}
