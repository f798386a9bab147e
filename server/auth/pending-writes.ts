import type { z } from 'zod'
import { readJson } from '#shared/text/json'
import type { AccountStore, Refusal, StoreChange } from './contract'

/** Changes that could not be written yet; the oldest are dropped. */
const MAX_PENDING = 10_000

/** Reads and writes the documents of this room, one change after the other. */
export function createPendingWrites(store: AccountStore) {
  const pending = new Map<string, StoreChange>()
  let last: Promise<unknown> = Promise.resolve()

  function inTurn<T>(work: () => Promise<T>): Promise<T> {
    const run = last.then(work)
    last = run.catch(() => undefined)
    return run
  }

  async function flush(also: readonly StoreChange[]) {
    const changes = new Map([...pending, ...also.map(change => [keyOf(change), change] as const)])
    if (changes.size === 0) return
    await store.write([...changes.values()])
    for (const [key, change] of changes) {
      if (pending.get(key) === change) pending.delete(key)
    }
  }

  return {
    read<T extends z.ZodType>(kind: string, schema: T) {
      const values: { name: string, value: z.output<T> }[] = []
      let unreadable = 0
      const bodies = new Map(store.all(kind).map(({ name, body }) => [name, body]))
      // Changes that are in force and not on disk yet.
      for (const change of pending.values()) {
        if (change.kind !== kind) continue
        if (change.body === null) bodies.delete(change.name)
        else if (!change.ifThere || bodies.has(change.name)) bodies.set(change.name, change.body)
      }
      for (const [name, body] of bodies) {
        const { success, data } = schema.safeParse(readJson(body))
        if (success) values.push({ name, value: data })
        else unreadable++
      }
      return { values, unreadable }
    },
    /** Everything of a kind, readable or not. */
    names: (kind: string) => store.all(kind).map(({ name }) => name),
    /** Runs an action that calls {@link writeNow}, in turn, or returns why that is not possible. */
    async attempt(work: () => Promise<Refusal | undefined>): Promise<Refusal | undefined> {
      try {
        return await inTurn(work)
      }
      catch (error) {
        return { code: 'accounts-unavailable', message: error instanceof Error ? error.message : 'It cannot be stored.' }
      }
    },
    /**
     * Must be on disk before anything else happens. @throws an Error that can be shown to a client; nothing has
     * changed then.
     */
    writeNow: flush,
    /** Is in force already; written to disk as soon as possible. */
    async writeLater(changes: readonly StoreChange[]) {
      for (const change of changes) {
        const key = keyOf(change)
        const waiting = pending.get(key)
        pending.delete(key)
        // What does not exist yet must still be created.
        const { kind, name, body } = change
        pending.set(key, waiting && waiting.body !== null && !waiting.ifThere ? { kind, name, body } : change)
      }
      for (const oldest of pending.keys()) {
        if (pending.size <= MAX_PENDING) break
        pending.delete(oldest)
      }
      await inTurn(() => flush([])).catch(() => undefined)
    },
  }
}
export type PendingWrites = ReturnType<typeof createPendingWrites>

function keyOf({ kind, name }: StoreChange): string {
  return `${kind} ${name}`
}
