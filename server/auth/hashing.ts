import { Worker } from 'node:worker_threads'

export interface ScryptOptions { cost: number, blockSize: number, parallel: number, keyBytes: number }

interface HashRequest { resolve: (key: Buffer) => void, reject: (error: Error) => void }

/** After this long without work the thread ends and frees its memory. */
const IDLE_MS = 30_000

/**
 * On Linux a thread has its own priority: the lowest, so that hashing, above all for an attacker who guesses, takes
 * only idle CPU time. Elsewhere it is a normal thread.
 */
const THREAD = `
const { parentPort } = require('node:worker_threads')
const { scryptSync } = require('node:crypto')
const { readlinkSync } = require('node:fs')
const { constants, setPriority } = require('node:os')
try {
  setPriority(Number(readlinkSync('/proc/thread-self').split('/').at(-1)), constants.priority.PRIORITY_LOW)
}
catch {}
parentPort.on('message', ({ password, salt, cost: N, blockSize: r, parallel: p, keyBytes }) => {
  parentPort.postMessage(scryptSync(password, salt, keyBytes, { N, r, p, maxmem: 256 * N * r }))
})
`

/** Hashes one after the other in its own thread: it delays neither the main thread nor Node's thread pool. */
export function createHashing() {
  let thread: Worker | undefined
  let idle: NodeJS.Timeout | undefined
  const wanted: HashRequest[] = []

  function end(error?: Error) {
    clearTimeout(idle)
    const gone = thread
    thread = undefined
    for (const { reject } of wanted.splice(0)) reject(error ?? new Error('The thread that hashes passwords has ended.'))
    void gone?.terminate()
  }

  function start(): Worker {
    const started = new Worker(THREAD, { eval: true })
    started.unref()
    started.on('message', (key: Uint8Array) => {
      wanted.shift()?.resolve(Buffer.from(key))
      if (wanted.length === 0) idle = setTimeout(end, IDLE_MS).unref()
    })
    started.on('error', error => started === thread && end(error instanceof Error ? error : new Error(String(error))))
    return started
  }

  return {
    /** @throws when it cannot be hashed: the options are from another machine, or memory is short. */
    scrypt(password: string, salt: Buffer, options: ScryptOptions): Promise<Buffer> {
      clearTimeout(idle)
      thread ??= start()
      const key = new Promise<Buffer>((resolve, reject) => wanted.push({ resolve, reject }))
      thread.postMessage({ password, salt, ...options })
      return key
    },
  }
}
