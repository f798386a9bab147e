/** How far what is kept is behind what was appended, and what keeping costs. */
export function createProgress() {
  let keptId = 0
  let commits = 0
  let commitMs = 0
  return {
    /** The store has been opened: all up to this record is there. */
    begin(lastId: number) {
      keptId = lastId
    },
    /** A turn has been kept, up to this record; what that took. */
    kept(lastId: number, ms: number) {
      keptId = Math.max(keptId, lastId)
      commits++
      commitMs += ms
    },
    report: (lastId: number) => ({ unkept: Math.max(0, lastId - keptId), commits, commitSeconds: commitMs / 1_000 }),
  }
}
