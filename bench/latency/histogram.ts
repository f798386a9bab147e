import type { Latencies } from './latencies.ts'

/** Latencies are told to a tenth of a millisecond, up to ten seconds. */
const BUCKET_US = 100
const BUCKETS = 100_000

/** Latencies of more messages than could be kept one by one. */
export function createHistogram() {
  const buckets = new Uint32Array(BUCKETS)
  // The machine's monotonic clock, without a big number for every look.
  const origin = Number(process.hrtime.bigint() / 1_000n) - performance.now() * 1_000
  let messages = 0
  let maxUs = 0

  /** The upper end of the bucket that `share` of all are not above. */
  function ms(share: number): number {
    const wanted = Math.ceil(messages * share)
    let seen = 0
    const bucket = buckets.findIndex(count => (seen += count) >= wanted)
    return (bucket + 1) * BUCKET_US / 1_000
  }

  return {
    /** Now, in microseconds, as `nowUs`. */
    now: () => origin + performance.now() * 1_000,
    add(microseconds: number) {
      const bucket = Math.min(BUCKETS - 1, Math.max(0, Math.floor(microseconds / BUCKET_US)))
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
