import { PARTS } from './parts.ts'
import type { Progress } from './progress.ts'
import type { Source } from './source.ts'
import type { OpenTarget } from './target.ts'

/**
 * Moves what is not there yet. While PostgreSQL writes one portion the next is read, and no more than that is held.
 * @returns how many rows were moved. @throws what `pg` or SQLite says.
 */
export async function moveAll(source: Source, target: OpenTarget, mostRows: number, progress: Progress): Promise<number> {
  const total = PARTS.reduce((sum, part) => sum + part.count(source), 0)
  const before = total - PARTS.reduce((sum, part) => sum + part.count(source, target.markOf(part.name)), 0)
  const onDone = progress.begin('moved', 'about ', total, before)
  let rows = 0
  let samples = 0
  for (const part of PARTS) {
    let writing = Promise.resolve()
    for (const portion of part.portions(source, target.markOf(part.name), mostRows)) {
      await writing
      onDone(before + rows, samples)
      rows += portion.rows
      samples += portion.samples
      writing = target.store(part.name, portion)
      // It is awaited, but only after the next portion was read.
      writing.catch(() => {})
    }
    await writing
  }
  onDone(total, samples)
  return rows
}
