import type { RejectionReason } from '#shared/schemas/rejection'
import type { Telemetry } from '#shared/schemas/telemetry'

/** A message as it arrived. */
export interface Carried { topic: string, payload: Buffer, replayed: boolean, packetId: number | undefined }

/** The result of the message. */
export type Verdict
  = | { kind: 'telemetry', telemetry: Pick<Telemetry, 'deviceId' | 'metrics' | 'absent'> }
    | { kind: 'status', change: { deviceId: string, status: string | null } }
    | { kind: 'rejected', reason: RejectionReason, detail: string }
    | { kind: 'nothing' }

/** How often a payload is sampled, and the shortest time over which a rate is computed. */
const SAMPLE_MS = 1_000
const WINDOW_MS = 10_000
/** A topic is silent after this many of its usual intervals. */
const SILENT_INTERVALS = 3
const MAX_METRIC_NAMES = 20

/** The figures of one topic. Its fields are set for every message, so only numbers and references are stored there. */
export class Heard {
  messages = 0
  live = 0
  lastMs: number
  replayed = false
  qos: 0 | 1 = 0
  deviceId: string | undefined
  reason: RejectionReason | undefined
  detail = ''
  isState = false
  /** The beginning of a payload, a character per byte: unlike a part of a buffer it holds no other memory. */
  sample = ''
  bytes = 0
  names: readonly string[] = []
  count = 0
  status: string | null = null
  private sampledMs = -Infinity
  private from: Mark
  private mark: Mark

  constructor(nowMs: number) {
    this.lastMs = nowMs
    // The first message begins the first interval.
    this.from = { messages: 1, ms: nowMs }
    this.mark = this.from
  }

  take(message: Carried, verdict: Verdict, nowMs: number, sampleBytes: number) {
    this.messages++
    if (!message.replayed) this.live++
    this.lastMs = nowMs
    this.replayed = message.replayed
    this.qos = message.packetId === undefined ? 0 : 1
    const reason = verdict.kind === 'rejected' ? verdict.reason : undefined
    if (nowMs - this.sampledMs < SAMPLE_MS && reason === this.reason) return
    this.reason = reason
    this.look(message.payload, verdict, nowMs, sampleBytes)
  }

  private look(payload: Buffer, verdict: Verdict, nowMs: number, sampleBytes: number) {
    this.sampledMs = nowMs
    this.sample = payload.toString('latin1', 0, Math.min(payload.length, sampleBytes))
    this.bytes = payload.length
    if (nowMs - this.mark.ms >= WINDOW_MS) {
      this.from = this.mark
      this.mark = { messages: this.messages, ms: nowMs }
    }
    if (verdict.kind === 'rejected') {
      this.detail = verdict.detail
    }
    else if (verdict.kind === 'telemetry') {
      const { deviceId, metrics, absent = [] } = verdict.telemetry
      const names = Object.keys(metrics).concat(absent)
      this.deviceId = deviceId
      this.count = names.length
      this.names = names.slice(0, MAX_METRIC_NAMES)
    }
    else if (verdict.kind === 'status') {
      const { deviceId, status } = verdict.change
      this.deviceId = deviceId
      this.isState = true
      this.status = status
    }
  }

  /** Messages a second. */
  rate(nowMs: number): number {
    const messages = this.messages - this.from.messages
    if (messages <= 0) return 0
    const overMs = Math.max(this.lastMs - this.from.ms, SAMPLE_MS)
    const isSilent = nowMs - this.lastMs > Math.max(WINDOW_MS, SILENT_INTERVALS * overMs / messages)
    return isSilent ? 0 : messages / overMs * 1_000
  }
}

interface Mark { messages: number, ms: number }
