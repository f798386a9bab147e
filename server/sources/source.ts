// What a source is: one convention in which devices speak. It promises observations or one rejection with its reason for every
// message, whatever the bytes. It never looks into another room.
import type { DeviceStatusChange } from '#shared/schemas/device'
import type { RejectionReason } from '#shared/schemas/rejection'
import type { Telemetry } from '#shared/schemas/telemetry'

export interface SourceLimits {
  payloadBytes: number
  metricsPerMessage: number
  nameLength: number
  valueLength: number
  clockToleranceSeconds: number
}

/** `deviceId` where the topic names one. */
export interface Refusal { kind: 'rejected', reason: RejectionReason, detail: string, deviceId?: string }
export type Observation
  /** `time` is its `ts` in microseconds since 1970. */
  = | { kind: 'telemetry', telemetry: Telemetry, time: number }
    | { kind: 'status', change: DeviceStatusChange }
    | Refusal

export interface IncomingMessage {
  topic: string
  payload: Buffer
  replayed: boolean
}

export interface Source {
  /** MQTT topic filters to subscribe to. */
  filters: readonly string[]
  /** Whether it reads messages of this topic. */
  owns: (topic: string) => boolean
  /**
   * What a message says: observations, one rejection, or nothing that is of interest.
   * @param receivedMs When it came, in milliseconds since 1970.
   */
  read: (message: IncomingMessage, receivedMs: number) => readonly Observation[]
}

export type SourceMaker = (limits: SourceLimits) => Source

export function reject(reason: RejectionReason, detail: string): Refusal {
  return { kind: 'rejected', reason, detail }
}
