import type { RefusalReason, Refusals } from '#shared/schemas/refusal'

/** Counts what was turned away; `onFirst` is told of the first of each kind (the reason, unless it is said more exactly), so that a flood does not fill the log. */
export function createRejectedRequests(onFirst: (line: string) => void = () => {}) {
  const counts: Refusals = {}
  const said = new Set<string>()
  return {
    count(reason: RefusalReason, message: string, kind: string = reason) {
      counts[reason] = (counts[reason] ?? 0) + 1
      if (!said.has(kind)) onFirst(`Refused (${reason}): ${message} Further ones are only counted, in GET /api/health.`)
      said.add(kind)
    },
    report: (): Refusals => ({ ...counts }),
  }
}
export type RejectedRequests = ReturnType<typeof createRejectedRequests>
