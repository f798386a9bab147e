import type { DatabaseSync } from 'node:sqlite'
import { setTimeout } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'

const LOOK_EVERY_MS = 50
/** So many pages make a checkpoint worth while: SQLite's own measure. */
const PAGES = 1_000
/** The log begins anew only when nothing is left in it: what the thread has left of a log this long, the caller moves, if it is little. */
const LONG_LOG_PAGES = 4_000
const LITTLE_PAGES = 250
/** Should that never be: pages (64 MiB) at which a commit moves them, however many. */
const LOG_PAGES = 16_384
const CLOSE_MS = 10_000

/** Where the flags of the two threads lie in the memory they share. */
const BEGUN = 0
const STOPPING = 1
const ENDED = 2
/** Pages in the log that are not in the database yet. */
const BEHIND = 3
const FLAGS = 4

// JavaScript in a text, because the server is bundled and a thread begins with a file of its own.
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
      // Older versions of SQLite cannot only look, and move everything at once.
      if (checkpoint('NOOP').behind < ${PAGES}) continue
      checkpoint('PASSIVE')
      const { log, behind } = checkpoint('NOOP')
      if (log >= ${LONG_LOG_PAGES} && behind <= ${LITTLE_PAGES}) parentPort.postMessage('little is left')
    }
    catch {
      // A failed disk fails the next commit, too, and that is told.
    }
  }
  database.close()
}`

export interface WalCheckpointer {
  /** Moves what is left, so that the log begins anew. */
  finish: () => void
  /** Resolves when the thread is not behind: for what writes much and is in no hurry. */
  room: () => Promise<void>
  /** Ends the thread, to the end: the last connection to be closed is then the caller's, and takes the log with it. */
  stop: () => void
}

/**
 * Moves what was committed from SQLite's write-ahead log into the database, in a thread of its own: a commit that does so waits
 * for the disk, up to half a second while much is deleted. `onLittleLeft` is told when a {@link WalCheckpointer.finish} is quick.
 */
export function startWalCheckpointer(database: DatabaseSync, file: string, onLittleLeft: () => void): WalCheckpointer {
  database.exec(`PRAGMA wal_autocheckpoint = ${LOG_PAGES}`)
  const memory = new SharedArrayBuffer(FLAGS * Int32Array.BYTES_PER_ELEMENT)
  const flags = new Int32Array(memory)
  const thread = new Worker(THREAD, { eval: true, workerData: { file, memory } })
  thread.unref()
  thread.on('message', onLittleLeft)
  // Without it commits do its work as they always could.
  thread.on('error', () => {})
  return {
    finish: () => database.exec('PRAGMA wal_checkpoint(PASSIVE)'),
    async room() {
      while (Atomics.load(flags, BEHIND) >= PAGES && Atomics.load(flags, ENDED) === 0) await setTimeout(LOOK_EVERY_MS, undefined, { ref: false })
    },
    stop() {
      Atomics.store(flags, STOPPING, 1)
      Atomics.notify(flags, STOPPING)
      // A thread that has not begun finds the flag and opens nothing.
      if (Atomics.load(flags, BEGUN) === 1) Atomics.wait(flags, ENDED, 0, CLOSE_MS)
    },
  }
}
