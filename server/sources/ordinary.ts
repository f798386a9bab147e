import { TelemetryMessageSchema } from '#shared/schemas/telemetry'
import type { TelemetryMessage } from '#shared/schemas/telemetry'
import { isOrdinaryCount, isOrdinaryMetrics, isOrdinaryTime } from '#shared/utils/ordinary'

/** A parsed message, or where its first fault lies. Names and lengths are the caller's to check. */
export function checkMessage(message: Record<string, unknown>): { data: TelemetryMessage } | { fault: PropertyKey[] } {
  if (isOrdinary(message)) return { data: message }
  const parsed = TelemetryMessageSchema.safeParse(message)
  return parsed.success ? parsed : { fault: parsed.error.issues[0]?.path ?? [] }
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
    case 'ts': return isOrdinaryTime(value)
    case 'seq': return isOrdinaryCount(value)
    case 'deviceId': return typeof value === 'string'
    default: return false
  }
}
