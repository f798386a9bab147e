/** Why something must end: who opened it is nobody any more, or may see something else now and can open it anew. */
export type Ending = 'gone' | 'changed'

/** What is open for whom, such as streams: told once when it must end. */
export function createAttendance() {
  const held = new Map<string, Set<(why: Ending) => void>>()
  return {
    add(key: string, leave: (why: Ending) => void): () => void {
      const leaves = held.get(key) ?? new Set()
      held.set(key, leaves.add(leave))
      return () => {
        leaves.delete(leave)
        if (leaves.size === 0 && held.get(key) === leaves) held.delete(key)
      }
    },
    end(key: string, why: Ending = 'gone') {
      const leaves = held.get(key)
      held.delete(key)
      for (const leave of leaves ?? []) leave(why)
    },
    size: () => held.size,
  }
}
export type Attendance = ReturnType<typeof createAttendance>
