/** Why something must end: who opened it is nobody any more, or may see something else now and can open it anew. */
export type Revocation = 'gone' | 'changed'

/** What is open for whom, such as streams: told once when it must end. */
export function createRevocationListeners() {
  const held = new Map<string, Set<(why: Revocation) => void>>()
  return {
    add(key: string, leave: (why: Revocation) => void): () => void {
      const leaves = held.get(key) ?? new Set()
      held.set(key, leaves.add(leave))
      return () => {
        leaves.delete(leave)
        if (leaves.size === 0 && held.get(key) === leaves) held.delete(key)
      }
    },
    end(key: string, why: Revocation = 'gone') {
      const leaves = held.get(key)
      held.delete(key)
      for (const leave of leaves ?? []) leave(why)
    },
    size: () => held.size,
  }
}
export type RevocationListeners = ReturnType<typeof createRevocationListeners>
