import type { DatabaseSync } from 'node:sqlite'
import { setTimeout } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'

const LOOK_EVERY_MS = 50
/** A checkpoint is worth its cost from this many pages on: SQLite's own value. */
const PAGES = 1_000
/**
 * The log starts again only when it is empty: the caller moves the pages that the thread has left, if they are few.
 */
const LONG_LOG_PAGES = 4_000
const LITTLE_PAGES = 250
/** If that never happens: pages (64 MiB) at which a commit moves them, however many. */
const LOG_PAGES = 16_384
const CLOSE_MS = 10_000

/** Positions of the two threads' flags in shared memory. */
const BEGUN = 0
const STOPPING = 1
const ENDED = 2
/** Pages of the log that are not in the database yet. */
const BEHIND = 3
const FLAGS = 4

// JavaScript as text, because the server is bundled and a thread begins with a file of its own.
const THREAD = `
const { DatabaseSync } = require('node:sqlite')
const { parentPort, workerData: { file, memory } } = require('node:worker_threads')
const flags = new Int32Array(memory)
Atomics.store(flags, ${BEGUN}, 1)
try {
  if (Atomics.load(flags, ${STOPPING}) === 0) run(new DatabaseSync(file))
}
finally {
  Atomics.store(flags, ${ENDED}, 1)
  Atomics.notify(flags, ${ENDED})
}
function run(database) {
  const checkpoint = (mode) => {
    const { log, checkpointed } = database.prepare('PRAGMA wal_checkpoint(' + mode + ')').get()
    Atomics.store(flags, ${BEHIND}, log - checkpointed)
    return { log, behind: log - checkpointed }
  }
  while (Atomics.wait(flags, ${STOPPING}, 0, ${LOOK_EVERY_MS}) === 'timed-out') {
    try {
      // Older versions of SQLite cannot only look: they move everything at once.
      if (checkpoint('NOOP').behind < ${PAGES}) continue
      checkpoint('PASSIVE')
      const { log, behind } = checkpoint('NOOP')
      if (log >= ${LONG_LOG_PAGES} && behind <= ${LITTLE_PAGES}) parentPort.postMessage('little is left')
    }
    catch {
      // A failed disk fails the next commit, too, and that is reported.
    }
  }
  database.close()
}`

export interface WalCheckpointer {
  /** Moves the remaining pages, so that the log starts again. */
  finish: () => void
  /** Resolves when the thread is not behind: for background work that writes much. */
  room: () => Promise<void>
  /** Ends the thread completely: the caller then closes the last connection, which deletes the log. */
  stop: () => void
}

/**
 * Moves committed pages from SQLite's write-ahead log into the database, in a thread of its own: a commit that does
 * this itself waits for the disk, up to half a second during large deletions. `onLittleLeft` is called when a {@link
 * WalCheckpointer.finish} is quick.
 */
export function startWalCheckpointer(database: DatabaseSync, file: string, onLittleLeft: () => void): WalCheckpointer {
  database.exec(`PRAGMA wal_autocheckpoint = ${LOG_PAGES}`)
  const memory = new SharedArrayBuffer(FLAGS * Int32Array.BYTES_PER_ELEMENT)
  const flags = new Int32Array(memory)
  const thread = new Worker(THREAD, { eval: true, workerData: { file, memory } })
  thread.unref()
  thread.on('message', onLittleLeft)
  // Without the thread, commits do its work.
  thread.on('error', () => {})
  return {
    finish: () => database.exec('PRAGMA wal_checkpoint(PASSIVE)'),
    async room() {
      while (Atomics.load(flags, BEHIND) >= PAGES && Atomics.load(flags, ENDED) === 0) await setTimeout(LOOK_EVERY_MS, undefined, { ref: false })
    },
    stop() {
      Atomics.store(flags, STOPPING, 1)
      Atomics.notify(flags, STOPPING)
      // A thread that has not started finds the flag and opens nothing.
      if (Atomics.load(flags, BEGUN) === 1) Atomics.wait(flags, ENDED, 0, CLOSE_MS)
    },
  }
}
