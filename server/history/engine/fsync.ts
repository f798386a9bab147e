import { closeSync, fdatasync, fsyncSync, openSync } from 'node:fs'
import { dirname } from 'node:path'

/** Called when what was committed is on disk, or with the error. */
export type OnSynced = (error: Error | null) => void

export interface Fsync {
  /** Writes everything committed so far to disk; the event loop continues meanwhile. */
  request: (done: OnSynced) => void
  /** Whether a write is running. */
  isBusy: () => boolean
  close: () => void
}

/**
 * Writes SQLite's write-ahead log to disk, outside the event loop. One `fdatasync` runs at a time. Requests that come
 * meanwhile share the next one, so a slow disk makes larger groups and not a longer queue. `onIdle` is called when no
 * other follows.
 */
export function createFsync(databaseFile: string, onIdle: () => void): Fsync {
  // Opened on the first request: the first commit creates the file.
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

/**
 * A new file survives a power cut only if its folder is on disk, too; systems that cannot sync folders do not need
 * it.
 */
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
    // Windows cannot open folders.
  }
}
