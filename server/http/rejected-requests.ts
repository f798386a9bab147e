import type { RefusalReason, Refusals } from '#shared/schemas/refusal'

/**
 * Counts rejected requests. `onFirst` is called for the first of each kind (the reason, unless a more exact kind is
 * given), so that a flood does not fill the log.
 */
export function createRejectedRequests(onFirst: (line: string) => void = () => {}) {
  const counts: Refusals = {}
  const reported = new Set<string>()
  return {
    count(reason: RefusalReason, message: string, kind: string = reason) {
      counts[reason] = (counts[reason] ?? 0) + 1
      if (!reported.has(kind)) onFirst(
        `Refused (${reason}): ${message} Further ones are only counted, in GET /api/health.`,
      )
      reported.add(kind)
    },
    report: (): Refusals => ({ ...counts }),
  }
}
export type RejectedRequests = ReturnType<typeof createRejectedRequests>
