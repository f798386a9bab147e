/** How many appended records are not committed yet, and how long commits take. */
export function createCommitStats() {
  let committedId = 0
  let commits = 0
  let commitMs = 0
  return {
    /** The store has been opened: every record up to this id is stored. */
    begin(lastId: number) {
      committedId = lastId
    },
    /** A turn has been committed, up to this record; `ms` is how long that took. */
    committed(lastId: number, ms: number) {
      committedId = Math.max(committedId, lastId)
      commits++
      commitMs += ms
    },
    report: (lastId: number) => ({ uncommitted: Math.max(0, lastId - committedId), commits, commitSeconds: commitMs / 1_000 }),
  }
}
