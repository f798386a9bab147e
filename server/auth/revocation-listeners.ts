/** Why access ends: the principal is gone, or its rights have changed and it can open the stream again. */
export type Revocation = 'gone' | 'changed'

/** Listeners of open streams and the like: called once when the access ends. */
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
