import { createFsync } from './fsync'

/** Told whether what a turn has appended is on disk. */
export type OnCommitted = (kept: boolean) => void

/** So many turns share a commit; one that waits for a slow disk would otherwise grow without end. */
const MOST_TURNS = 16

export interface GroupCommitOptions {
  /** GroupCommit the open transaction, if there is one. @throws when that fails; it is rolled back then. */
  commit: () => void
  rollBack: () => void
  isFailed: () => boolean
  /** What was committed may be on disk or not. */
  onSyncFault: (error: Error) => void
  /** The last record that is in the store. */
  lastId: () => number
  /** What was appended up to this record is on disk; what that took. */
  onCommitted: (lastId: number, ms: number) => void
}

export interface GroupCommit {
  /** Ends a turn: commits it, or what has gathered since, as soon as the disk is free. */
  end: (done: OnCommitted) => void
  /** What has been appended since the last commit was rolled back. */
  drop: () => void
  close: () => void
}

/**
 * GroupCommit turn by turn, each put on disk before it is told as kept. While `fdatasync` is under way a commit would wait for it,
 * and with it the event loop: the turns that end meanwhile share the next one.
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
    const tell = (kept: boolean) => {
      for (const done of shared) done(kept)
    }
    try {
      commit()
    }
    catch {
      return tell(false)
    }
    const id = lastId()
    sync.request((error) => {
      if (error) onSyncFault(error)
      else onCommitted(id, performance.now() - began)
      tell(error === null)
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
