import { readdirSync, readFileSync } from 'node:fs'

/** Linux reports CPU time in hundredths of a second. */
const TICKS_PER_SECOND = 100

/** User and system time in seconds of a process and all it has started, which PostgreSQL does for each connection. */
export function treeCpuSeconds(pid: number): number {
  const rows = readdirSync('/proc').filter(name => /^\d+$/.test(name)).flatMap(statOf)
  return rows.filter(row => row.pid === pid || row.parent === pid).reduce((sum, row) => sum + row.seconds, 0)
}

function statOf(pid: string): { pid: number, parent: number, seconds: number }[] {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    // The name in parentheses may hold anything; the fields behind it are numbered from three on.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ').map(Number)
    const seconds = ((fields[11] ?? 0) + (fields[12] ?? 0)) / TICKS_PER_SECOND
    return [{ pid: Number(pid), parent: fields[1] ?? 0, seconds }]
  }
  catch {
    // It has ended meanwhile.
    return []
  }
}
