import { keyOf } from '../marks'
import type { Marks } from '../marks'
import { inWords } from './errors'
import { escapeNul } from './nul-escaping'
import type { Query } from './connections'
import type { Work } from './writer'

const ADD = 'INSERT INTO meta AS m (key, value) VALUES ($1, $2) ON CONFLICT (key) DO UPDATE SET value = m.value + excluded.value RETURNING value'

/**
 * The installation's numbers, in memory: reading must not wait. Each of several servers reads the stored number when
 * it adds to it.
 */
export function createPostgresMarks(work: (given: Work) => Promise<void>) {
  let held = new Map<string, number>()
  const marks: Marks = {
    get: name => held.get(escapeNul(keyOf(name))),
    async add(name, by) {
      const key = escapeNul(keyOf(name))
      let value = 0
      try {
        await work({
          begin: () => async (query) => { value = Number((await query(ADD, [key, by]))[0]?.value) },
          done: () => void held.set(key, value),
        })
      }
      catch (error) {
        throw new Error(inWords(error), { cause: error })
      }
    },
  }
  return {
    marks,
    async load(query: Query) {
      held = new Map((await query('SELECT key, value FROM meta')).map(({ key, value }) => [String(key), Number(value)]))
    },
  }
}
