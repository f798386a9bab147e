import type { Say } from './bench.ts'

const EVERY_MS = 5_000

/** Says now and then how much of a long task is done, and how long the rest will take. */
export function createProgress(what: string, total: number, say: Say) {
  const begin = performance.now()
  let next = begin + EVERY_MS
  return (done: number) => {
    const now = performance.now()
    if (now < next) return
    next = now + EVERY_MS
    say(`${what}: ${Math.floor(done / total * 100)} %, ${inWords((now - begin) / done * (total - done))} left`)
  }
}

function inWords(ms: number): string {
  const seconds = Math.ceil(ms / 1_000)
  return seconds < 60 ? `${seconds} s` : `${Math.floor(seconds / 60)} min ${seconds % 60} s`
}
