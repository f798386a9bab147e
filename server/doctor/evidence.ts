import type { Examination } from '#shared/schemas/doctor'
import type { BrokerStatus, ClockStep } from '#shared/schemas/health'
import type { RejectionReason } from '#shared/schemas/rejection'

/** One topic with messages. */
export interface HeardTopic {
  readonly deviceId: string | undefined
  readonly isState: boolean
  /** Messages that were no retained replays. */
  readonly live: number
  readonly lastMs: number
  /** Whether the last message was a replay, and why it was rejected, if it was. */
  readonly replayed: boolean
  readonly reason: RejectionReason | undefined
}

/** What the checks judge by. */
export interface Evidence {
  nowMs: number
  broker: BrokerStatus
  /** Messages since the start. */
  received: number
  accepted: number
  rejected: number
  /** When the last message came that was no replay. */
  lastLiveMs: number | undefined
  /** Topics whose last message was rejected lately, and how many of them for which reason. */
  rejectedTopics: string[]
  reasons: Map<RejectionReason, number>
  devices: Map<string, HeardDevice>
  /** Devices with a wrong clock, and how far it was ahead when that was noticed. */
  wrongClocks: { deviceId: string, aheadMs: number }[]
  /** When the server's own clock was last set back. */
  clockStep: ClockStep | null
  /** The topic below which the application publishes. */
  root: string
  /** A recent examination, if there was one. */
  examination: Examination | undefined
}

type Gathered = Pick<Evidence, 'lastLiveMs' | 'rejectedTopics' | 'reasons' | 'devices'>

export interface HeardDevice {
  hasState: boolean
  isLive: boolean
}

/** An older rejection tells nothing about the present. */
const RECENT_MS = 3_600_000

/** The figures of all topics together. */
export function gather(topics: Iterable<readonly [string, HeardTopic]>, nowMs: number): Gathered {
  const evidence: Gathered = { lastLiveMs: undefined, rejectedTopics: [], reasons: new Map(), devices: new Map() }
  for (const [name, topic] of topics) {
    if (topic.live > 0 && !topic.replayed) evidence.lastLiveMs = Math.max(topic.lastMs, evidence.lastLiveMs ?? 0)
    if (topic.reason !== undefined && nowMs - topic.lastMs < RECENT_MS) {
      evidence.rejectedTopics.push(name)
      evidence.reasons.set(topic.reason, (evidence.reasons.get(topic.reason) ?? 0) + 1)
    }
    if (topic.deviceId !== undefined) addTo(evidence.devices, topic.deviceId, topic)
  }
  return evidence
}

function addTo(devices: Map<string, HeardDevice>, deviceId: string, { isState, live }: HeardTopic) {
  let device = devices.get(deviceId)
  if (!device) devices.set(deviceId, device = { hasState: false, isLive: false })
  if (isState) device.hasState = true
  if (live > 0) device.isLive = true
}
