// Owns what was rejected and why: counts for ever, keeps the last 200. Promises that the worst payload costs one kilobyte.
import type { Rejection, RejectionReason, RejectionReport } from '#shared/schemas/rejection'

const KEPT = 200
const EXCERPT_BYTES = 1_024
const TOPIC_LENGTH = 512

export interface Rejections {
  add: (topic: string, payload: Buffer, reason: RejectionReason, detail: string, at: Date) => void
  report: () => RejectionReport
  total: () => number
}

export function createRejections(): Rejections {
  const kept: Rejection[] = []
  const byReason: RejectionReport['byReason'] = {}
  let total = 0
  return {
    add(topic, payload, reason, detail, at) {
      total++
      byReason[reason] = (byReason[reason] ?? 0) + 1
      kept.push({
        id: total,
        at: at.toISOString(),
        topic: topic.slice(0, TOPIC_LENGTH),
        reason,
        detail,
        bytes: payload.length,
        excerpt: payload.toString('utf8', 0, EXCERPT_BYTES),
      })
      if (kept.length > KEPT) kept.shift()
    },
    report: () => ({ total, byReason: { ...byReason }, recent: [...kept].reverse() }),
    total: () => total,
  }
}
