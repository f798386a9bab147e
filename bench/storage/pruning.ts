import { setTimeout as sleep } from 'node:timers/promises'
import { DatabaseSync } from 'node:sqlite'

const LOOK_MS = 500
const GIVE_UP_MS = 600_000
/** The file shrinks by pages, and the journal frees some all the time: so many looks without progress are the end. */
const STEADY_LOOKS = 4

/** Resolves when a running server has deleted what is too old and given the space back. */
export async function watchPruning(file: string): Promise<void> {
  const database = new DatabaseSync(file, { readOnly: true })
  const keptFrom = database.prepare(`SELECT value FROM meta WHERE key = 'raw'`)
  const oldest = database.prepare('SELECT min(last) AS last FROM segment')
  const freePages = database.prepare('PRAGMA freelist_count')
  const begin = performance.now()
  let fewest = Infinity
  try {
    for (let steady = 0; steady < STEADY_LOOKS;) {
      if (performance.now() - begin > GIVE_UP_MS) throw new Error(`The server has not pruned within ${GIVE_UP_MS / 1_000} s.`)
      await sleep(LOOK_MS)
      const from = keptFrom.get()?.value
      if (from === undefined || Number(oldest.get()?.last) < Number(from)) continue
      const free = Number(freePages.get()?.freelist_count)
      steady = free < fewest ? 0 : steady + 1
      fewest = Math.min(fewest, free)
    }
  }
  finally {
    database.close()
  }
}
