import { createFsync } from './fsync'

/** Called with whether the records of a turn are on disk. */
export type OnCommitted = (committed: boolean) => void

/** This many turns share a commit at most; on a slow disk a commit would otherwise grow without limit. */
const MOST_TURNS = 16

export interface GroupCommitOptions {
  /** Commits the open transaction, if there is one. @throws when that fails; it is rolled back then. */
  commit: () => void
  rollBack: () => void
  isFailed: () => boolean
  /** The sync failed: what was committed may or may not be on disk. */
  onSyncFault: (error: Error) => void
  /** The last record that is in the store. */
  lastId: () => number
  /** What was appended up to this record is on disk; `ms` is how long that took. */
  onCommitted: (lastId: number, ms: number) => void
}

export interface GroupCommit {
  /** Ends a turn: commits it as soon as the disk is free, together with the turns that ended meanwhile. */
  end: (done: OnCommitted) => void
  /** What was appended since the last commit has been rolled back. */
  drop: () => void
  close: () => void
}

/**
 * Commits turn by turn. A turn is reported as committed once it is on disk. A commit during `fdatasync` would block
 * the event loop, so the turns that end meanwhile share the next commit.
 */
export function createGroupCommit(file: string, { commit, rollBack, isFailed, onSyncFault, lastId, onCommitted }: GroupCommitOptions): GroupCommit {
  let turns: OnCommitted[] = []
  const sync = createFsync(file, settle)

  function settle() {
    if (turns.length === 0) return
    if (isFailed()) {
      rollBack()
      return drop()
    }
    const shared = turns
    turns = []
    const began = performance.now()
    const notify = (committed: boolean) => {
      for (const done of shared) done(committed)
    }
    try {
      commit()
    }
    catch {
      return notify(false)
    }
    const id = lastId()
    sync.request((error) => {
      if (error) onSyncFault(error)
      else onCommitted(id, performance.now() - began)
      notify(error === null)
    })
  }

  function drop() {
    const dropped = turns
    turns = []
    for (const done of dropped) done(false)
  }

  return {
    end(done) {
      turns.push(done)
      if (!sync.isBusy() || turns.length >= MOST_TURNS) settle()
    },
    drop,
    close: sync.close,
  }
}
