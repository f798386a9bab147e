// Owns what was rejected and why: it counts since the start and stores the last 200. Promises that the worst payload
// costs one kilobyte. Never decides what is rejected.
import type { Rejection, RejectionReason, RejectionReport } from '#shared/schemas/rejection'

const MOST_RECENT = 200
const EXCERPT_BYTES = 1_024
const TOPIC_LENGTH = 512

export interface Rejections {
  add: (topic: string, payload: Buffer, reason: RejectionReason, detail: string, at: Date) => void
  report: () => RejectionReport
  total: () => number
}

export function createRejections(): Rejections {
  const recent: Rejection[] = []
  const byReason: RejectionReport['byReason'] = {}
  let total = 0
  return {
    add(topic, payload, reason, detail, at) {
      total++
      byReason[reason] = (byReason[reason] ?? 0) + 1
      recent.push({
        id: total,
        at: at.toISOString(),
        topic: topic.slice(0, TOPIC_LENGTH),
        reason,
        detail,
        bytes: payload.length,
        excerpt: payload.toString('utf8', 0, EXCERPT_BYTES),
      })
      if (recent.length > MOST_RECENT) recent.shift()
    },
    report: () => ({ total, byReason: { ...byReason }, recent: [...recent].reverse() }),
    total: () => total,
  }
}
