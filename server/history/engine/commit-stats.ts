/** How far what is kept is behind what was appended, and what keeping costs. */
export function createCommitStats() {
  let committedId = 0
  let commits = 0
  let commitMs = 0
  return {
    /** The store has been opened: all up to this record is there. */
    begin(lastId: number) {
      committedId = lastId
    },
    /** A turn has been kept, up to this record; what that took. */
    kept(lastId: number, ms: number) {
      committedId = Math.max(committedId, lastId)
      commits++
      commitMs += ms
    },
    report: (lastId: number) => ({ uncommitted: Math.max(0, lastId - committedId), commits, commitSeconds: commitMs / 1_000 }),
  }
}
