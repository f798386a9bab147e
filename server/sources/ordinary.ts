import { TelemetryMessageSchema } from '#shared/schemas/telemetry'
import type { TelemetryMessage } from '#shared/schemas/telemetry'
import { isOrdinaryCount, isOrdinaryMetrics, isOrdinaryTime } from '#shared/utils/ordinary'

const MINUTES_END = '2025-11-02T12:00'.length

/** Where a message is not what it should be, and what the schema says of that. */
export interface MessageFault { path: PropertyKey[], message: string }

/** A parsed message, or its first fault. Names and lengths are the caller's to check. */
export function checkMessage(message: Record<string, unknown>): { data: TelemetryMessage } | { fault: MessageFault } {
  if (isOrdinary(message)) return { data: message }
  const parsed = TelemetryMessageSchema.safeParse(message)
  if (parsed.success) return parsed
  const { path = [], message: words = '' } = parsed.error.issues[0] ?? {}
  return { fault: { path, message: words } }
}

/**
 * Whether a message is without any doubt what {@link TelemetryMessageSchema} accepts and leaves as it is. Nearly all are, and
 * asking the schema costs many times as much; it judges the others, and a test holds the two together.
 */
export function isOrdinary(message: Record<string, unknown>): message is TelemetryMessage {
  for (const key in message) {
    if (!isOrdinaryField(key, message[key])) return false
  }
  return message.metrics !== undefined
}

function isOrdinaryField(key: string, value: unknown): boolean {
  switch (key) {
    case 'metrics': return isOrdinaryMetrics(value)
    // With seconds: only then it is RFC 3339 as well.
    case 'ts': return isOrdinaryTime(value) && String(value)[MINUTES_END] === ':'
    case 'seq': return isOrdinaryCount(value)
    case 'deviceId': return typeof value === 'string'
    default: return false
  }
}
