import type { DatabaseSync } from 'node:sqlite'
import { Worker } from 'node:worker_threads'

const LOOK_EVERY_MS = 100
/** So many pages make a checkpoint worth while: SQLite's own measure. */
const PAGES = 1_000
/** Pages in the log (64 MiB) at which a commit moves them after all: the log begins anew only when nothing is left in it. */
const LOG_PAGES = 16_384
const CLOSE_MS = 10_000

/** Where the flags of the two threads lie in the memory they share. */
const BEGUN = 0
const STOPPING = 1
const ENDED = 2

// JavaScript in a text, because the server is bundled and a thread begins with a file of its own.
const THREAD = `
const { DatabaseSync } = require('node:sqlite')
const { file, memory } = require('node:worker_threads').workerData
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
  while (Atomics.wait(flags, ${STOPPING}, 0, ${LOOK_EVERY_MS}) === 'timed-out') {
    try {
      // Older versions of SQLite do not know how to only look, and check point at once.
      const { log, checkpointed } = database.prepare('PRAGMA wal_checkpoint(NOOP)').get()
      if (log - checkpointed >= ${PAGES}) database.prepare('PRAGMA wal_checkpoint(PASSIVE)').get()
    }
    catch {
      // A failed disk fails the next commit, too, and that is told.
    }
  }
  database.close()
}`

/**
 * Moves what was committed from SQLite's write-ahead log into the database, in a thread of its own: a commit that does so waits
 * for the disk, up to half a second while much is deleted. Nothing waits for the thread, and it holds nobody up.
 */
export function startCheckpoints(database: DatabaseSync, file: string) {
  database.exec(`PRAGMA wal_autocheckpoint = ${LOG_PAGES}`)
  const memory = new SharedArrayBuffer(3 * Int32Array.BYTES_PER_ELEMENT)
  const flags = new Int32Array(memory)
  const thread = new Worker(THREAD, { eval: true, workerData: { file, memory } })
  thread.unref()
  // Without it commits do its work as they always could.
  thread.on('error', () => {})
  return {
    /** Ends the thread, to the end: the last connection to be closed is then the caller's, and takes the log with it. */
    stop() {
      Atomics.store(flags, STOPPING, 1)
      Atomics.notify(flags, STOPPING)
      // A thread that has not begun finds the flag and opens nothing.
      if (Atomics.load(flags, BEGUN) === 1) Atomics.wait(flags, ENDED, 0, CLOSE_MS)
    },
  }
}
