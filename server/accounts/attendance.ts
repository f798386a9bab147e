/** What is open for whom, such as streams: told once when it must end. */
export function createAttendance() {
  const held = new Map<string, Set<() => void>>()
  return {
    add(key: string, leave: () => void): () => void {
      const leaves = held.get(key) ?? new Set()
      held.set(key, leaves.add(leave))
      return () => {
        leaves.delete(leave)
        if (leaves.size === 0 && held.get(key) === leaves) held.delete(key)
      }
    },
    end(key: string) {
      const leaves = held.get(key)
      held.delete(key)
      for (const leave of leaves ?? []) leave()
    },
    size: () => held.size,
  }
}
export type Attendance = ReturnType<typeof createAttendance>
