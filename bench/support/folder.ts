import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** A new temporary folder. */
export function makeFolder() {
  const path = mkdtempSync(join(tmpdir(), 'leitstand-bench-'))
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) }
}
