import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe } from 'vitest'
import { createHistory } from '../../../../../server/history/sqlite/history'
import { conformsBeside } from './beside'
import { conformsInNumbers } from './numbers'
import { conformsInThePast } from './past'
import { conformsInSamples } from './samples'
import type { PlaceMaker } from './site'

const inFolder: PlaceMaker = async () => {
  const folder = mkdtempSync(join(tmpdir(), 'leitstand-history-'))
  return {
    create: options => createHistory({ ...options, file: join(folder, 'history.db'), onDamaged: () => {} }),
    remove: async () => rmSync(folder, { recursive: true }),
  }
}

describe('SQLite', () => {
  conformsInSamples(inFolder)
  conformsInThePast(inFolder)
  conformsInNumbers(inFolder)
  conformsBeside(inFolder)
})
