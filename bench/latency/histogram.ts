import type { Latencies } from './latencies.ts'

/** Latencies are told to a tenth of a millisecond, up to ten seconds, or finer and not as far. */
const BUCKET_US = 100
const BUCKETS = 100_000

/** Latencies of more messages than could be kept one by one. */
export function createHistogram(bucketUs = BUCKET_US) {
  const buckets = new Uint32Array(BUCKETS)
  const origin = originUs()
  let messages = 0
  let maxUs = 0

  /** The upper end of the bucket that `share` of all are not above. */
  function ms(share: number): number {
    const wanted = Math.ceil(messages * share)
    let seen = 0
    const bucket = buckets.findIndex(count => (seen += count) >= wanted)
    return (bucket + 1) * bucketUs / 1_000
  }

  return {
    /** Now, in microseconds, as `nowUs`. */
    now: () => origin + performance.now() * 1_000,
    add(microseconds: number) {
      const bucket = Math.min(BUCKETS - 1, Math.max(0, Math.floor(microseconds / bucketUs)))
      buckets[bucket] = (buckets[bucket] ?? 0) + 1
      messages++
      maxUs = Math.max(maxUs, microseconds)
    },
    /** What was added since it was taken last. */
    take(): Latencies {
      const latencies = { messages, p50Ms: ms(0.5), p95Ms: ms(0.95), p99Ms: ms(0.99), maxMs: maxUs / 1_000 }
      buckets.fill(0)
      messages = 0
      maxUs = 0
      return latencies
    },
  }
}

const READINGS = 20

/**
 * Where `performance.now()` begins on the machine's monotonic clock, in microseconds, without a big number for every look. The two cannot be
 * read at once, and the first readings of a process take their time: the pair that was read quickest counts.
 */
function originUs(): number {
  const readings = Array.from({ length: READINGS }, () => {
    const before = performance.now()
    const clockUs = Number(process.hrtime.bigint() / 1_000n)
    const after = performance.now()
    return { took: after - before, origin: clockUs - (before + after) / 2 * 1_000 }
  })
  return readings.reduce((best, reading) => reading.took < best.took ? reading : best).origin
}
