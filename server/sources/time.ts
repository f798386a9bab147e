import { toMicroseconds } from '#shared/time/time'
import type { SourceLimits } from './source'

/** The time at which a message counts; `time` is that of `ts` in microseconds since 1970, `claimed` a time that is not believed. */
export interface Judged { ts: string, time: number, receivedAt: string, claimed?: string }

/** Before this no device of today has measured anything: its clock is lost. 2015-01-01 in microseconds since 1970. */
const BELIEVED_FROM = 1_420_070_400_000_000

/** A time that lies too far ahead or before 2015 is not believed: the message counts at its receive time. `time` is that of `ts` in microseconds. */
export function judgeTime(claimed: string | undefined, receivedMs: number, { clockToleranceSeconds }: SourceLimits): Judged {
  const receivedAt = isoOf(receivedMs)
  const asReceived = { ts: receivedAt, time: receivedMs * 1_000, receivedAt }
  if (claimed === undefined) return asReceived
  const time = toMicroseconds(claimed)
  const believable = time >= BELIEVED_FROM && time <= (receivedMs + clockToleranceSeconds * 1_000) * 1_000
  return believable ? { ts: claimed, time, receivedAt } : { ...asReceived, claimed }
}

let lastMs = Number.NaN
let lastIso = ''

/** Messages of one millisecond share one text. */
export function isoOf(ms: number): string {
  if (ms !== lastMs) {
    lastMs = ms
    lastIso = new Date(ms).toISOString()
  }
  return lastIso
}
