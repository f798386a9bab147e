import { closeSync, fdatasync, fsyncSync, openSync } from 'node:fs'
import { dirname } from 'node:path'

/** Told when what was committed is on disk, or that it could not be put there. */
export type OnSynced = (error: Error | null) => void

export interface Fsync {
  /** Everything committed so far is put on disk; the event loop goes on meanwhile. */
  request: (done: OnSynced) => void
  /** Whether one is under way. */
  isBusy: () => boolean
  close: () => void
}

/**
 * Puts SQLite's write-ahead log on disk off the event loop. One `fdatasync` is under way at a time: what is requested meanwhile
 * shares the next one, so that a slow disk makes larger groups, not a longer queue. `onIdle` is called when none follows.
 */
export function createFsync(databaseFile: string, onIdle: () => void): Fsync {
  // Opened when there is something in it: the first commit makes the file.
  let log: number | undefined
  let waiting: OnSynced[] = []
  let running = false
  let closed = false

  function run() {
    const served = waiting
    waiting = []
    running = true
    const finish = (error: Error | null) => {
      running = false
      if (closed) return closeLog()
      for (const done of served) done(error)
      if (waiting.length > 0) run()
      else onIdle()
    }
    try {
      fdatasync(log ??= openLog(databaseFile), finish)
    }
    catch (error) {
      finish(error instanceof Error ? error : new Error(String(error)))
    }
  }

  function closeLog() {
    if (log !== undefined) closeSync(log)
    log = undefined
  }

  return {
    request(done) {
      waiting.push(done)
      if (!running) run()
    },
    isBusy: () => running,
    close() {
      closed = true
      if (!running) closeLog()
    },
  }
}

function openLog(databaseFile: string): number {
  const log = openSync(`${databaseFile}-wal`, 'r+')
  syncFolder(dirname(databaseFile))
  return log
}

/** A new file is there after a power cut only if its folder is on disk, too; systems that cannot do this do not need it. */
function syncFolder(folder: string) {
  try {
    const handle = openSync(folder, 'r')
    try {
      fsyncSync(handle)
    }
    finally {
      closeSync(handle)
    }
  }
  catch {
    // Windows opens no folders.
  }
}
