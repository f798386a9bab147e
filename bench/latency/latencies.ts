import { z } from 'zod'
import { percentile } from '../support/figures.ts'

/** From the publisher's write to the stream client's read, in milliseconds. */
export const LatenciesSchema = z.object({ messages: z.number(), p50Ms: z.number(), p95Ms: z.number(), p99Ms: z.number(), maxMs: z.number() })
export type Latencies = z.infer<typeof LatenciesSchema>

/** Of latencies in microseconds, at least one. */
export function summary(microseconds: readonly number[]): Latencies {
  const sorted = microseconds.toSorted((a, b) => a - b)
  const ms = (share: number) => percentile(sorted, share) / 1_000
  return { messages: sorted.length, p50Ms: ms(0.5), p95Ms: ms(0.95), p99Ms: ms(0.99), maxMs: ms(1) }
}
