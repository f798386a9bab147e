// Owns the answer to "why does nothing arrive?": a list of checks in the order of the way of a message. Promises to
// judge from what is known already, and to examine the broker's other topics only on request, once at a time. Never
// changes a setting.
import type { Doctor, Examination } from '#shared/schemas/doctor'
import type { BrokerStatus, ClockStep } from '#shared/schemas/health'
import { diagnose, worst } from './checks'
import { gather } from './evidence'
import type { HeardTopic } from './evidence'

export interface DoctorParts {
  broker: () => BrokerStatus
  counts: () => { received: number, accepted: number, rejected: number }
  topics: () => Iterable<readonly [string, HeardTopic]>
  /** Looks at everything the broker carries for some seconds. */
  examine: () => Promise<Examination>
  wrongClocks: () => { deviceId: string, aheadMs: number }[]
  clockStep: () => ClockStep | null
  /** The topic below which the application publishes. */
  root: string
}

/** An older examination is shown, but nothing is concluded from it. */
const EXAMINATION_HOLDS_MS = 600_000

export interface DoctorRoom {
  report: (nowMs: number) => Doctor
  /** Starts an examination, or joins the running one; undefined without a connection to a broker. */
  examine: () => Promise<Examination> | undefined
}

export function createDoctor({ broker, counts, topics, examine, wrongClocks, clockStep, root }: DoctorParts): DoctorRoom {
  let last: Examination | undefined
  let underway: Promise<Examination> | undefined

  async function look(): Promise<Examination> {
    try {
      return last = await examine()
    }
    finally {
      underway = undefined
    }
  }

  return {
    report(nowMs) {
      const holds = last && nowMs - Date.parse(last.at) < EXAMINATION_HOLDS_MS
      const checks = diagnose({
        ...gather(topics(), nowMs),
        ...counts(),
        nowMs,
        broker: broker(),
        wrongClocks: wrongClocks(),
        clockStep: clockStep(),
        root,
        examination: holds ? last : undefined,
      })
      return { at: new Date(nowMs).toISOString(), status: worst(checks), checks, examination: last ?? null }
    },
    examine: () => broker().protocol === null ? undefined : underway ??= look(),
  }
}
