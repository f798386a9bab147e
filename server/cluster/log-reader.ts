// Reads what was committed to the log; a notification of the database wakes it. Promises every record once, in order.
import type { DedicatedConnection } from '../history/postgres/connections'

const CHANNEL = 'leitstand'
/** Added to a statement that commits a batch. */
export const NOTIFY_CHANNEL = `pg_notify('${CHANNEL}', '')`
/**
 * Under load, everything that comes within this time is read at once: each query costs as much as some ten messages.
 */
const GATHER_MS = 5
/** In case a notification is lost. */
const LOOK_EVERY_MS = 1_000
/** A batch is a quarter of a million characters at most, see {@link ./log-appender.ts}. */
const ROWS = 20

export interface LogReaderOptions {
  line: DedicatedConnection
  /** The last applied record. */
  position: () => number
  /** Applies the records of a batch. */
  take: (last: number, body: string) => Promise<void>
  onFailure: (error: unknown) => void
}

export async function createLogReader({ line, position, take, onFailure }: LogReaderOptions) {
  let isWanted = false
  let isOpen = true
  let lookedAt = -Infinity
  let running: Promise<void> | undefined
  let waiting: { id: number, done: () => void }[] = []

  function settle() {
    const here = position()
    if (!waiting.some(({ id }) => id <= here)) return
    const reached = waiting.filter(({ id }) => id <= here)
    waiting = waiting.filter(({ id }) => id > here)
    for (const { done } of reached) done()
  }

  async function readOn() {
    for (let more = true; more && isOpen;) {
      const rows = await line.named('follow', `SELECT last, body FROM batch WHERE last > $1 ORDER BY last LIMIT ${ROWS}`, [position()])
      for (const { last, body } of rows) {
        if (!isOpen) return
        await take(Number(last), String(body))
        settle()
      }
      more = rows.length === ROWS
    }
  }

  async function run() {
    while (isWanted && isOpen) {
      const rest = lookedAt + GATHER_MS - performance.now()
      if (rest > 0) await new Promise<void>(resolve => setTimeout(resolve, rest))
      isWanted = false
      lookedAt = performance.now()
      await readOn()
    }
  }

  function look() {
    isWanted = true
    running ??= run().catch(onFailure).finally(() => {
      running = undefined
      if (isWanted && isOpen) look()
    })
  }

  const timer = setInterval(look, LOOK_EVERY_MS)
  timer.unref()
  line.onNotice(look)
  await line.query(`LISTEN ${CHANNEL}`)

  return {
    look,
    /** Resolves when a record, and all before it, has been applied; or when the reader has stopped. */
    reached(id: number): Promise<void> {
      if (id <= position() || !isOpen) return Promise.resolve()
      look()
      return new Promise((done) => { waiting.push({ id, done }) })
    },
    async close() {
      isOpen = false
      clearInterval(timer)
      for (const { done } of waiting) done()
      waiting = []
      await running
    },
  }
}
export type LogReader = Awaited<ReturnType<typeof createLogReader>>
