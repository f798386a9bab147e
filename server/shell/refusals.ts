import type { RefusalReason, Refusals } from '#shared/schemas/refusal'

/** Counts what was turned away; `onFirst` is told of the first of each reason, so that a flood does not fill the log. */
export function createRefusals(onFirst: (line: string) => void = () => {}) {
  const counts: Refusals = {}
  return {
    count(reason: RefusalReason, message: string) {
      const before = counts[reason] ?? 0
      counts[reason] = before + 1
      if (before === 0) onFirst(`Refused (${reason}): ${message} Further ones are only counted, in GET /api/health.`)
    },
    report: (): Refusals => ({ ...counts }),
  }
}
export type RefusalCounter = ReturnType<typeof createRefusals>
