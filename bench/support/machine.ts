import { closeSync, fsyncSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs'
import { cpus, loadavg, release, tmpdir, totalmem, type } from 'node:os'
import { join } from 'node:path'
import { median } from './figures.ts'

const SYNCS = 100

/** What the figures depend on, one line each. */
export function machineFacts(): string[] {
  const [first] = cpus()
  return [
    `${cpus().length} × ${first?.model ?? 'unknown processor'}, ${(totalmem() / 2 ** 30).toFixed(0)} GiB, ${type()} ${release()}, Node ${process.version}`,
    `load average before: ${loadavg().map(load => load.toFixed(2)).join(' ')}`,
    `write and fsync of 4 KiB in ${tmpdir()}: ${syncMs().toFixed(2)} ms (median of ${SYNCS})`,
  ]
}

/** What `durability: full` waits for at every commit. */
function syncMs(): number {
  const folder = mkdtempSync(join(tmpdir(), 'leitstand-bench-'))
  const file = openSync(join(folder, 'sync'), 'w')
  const page = Buffer.alloc(4_096)
  const times = Array.from({ length: SYNCS }, () => {
    const begin = performance.now()
    writeSync(file, page)
    fsyncSync(file)
    return performance.now() - begin
  })
  closeSync(file)
  rmSync(folder, { recursive: true })
  return median(times)
}
